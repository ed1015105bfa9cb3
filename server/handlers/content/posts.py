"""`/posts`: publish, read, edit and delete posts, and drafts, which only their author sees."""

from collections.abc import Sequence
from functools import partial

from aiohttp import web

from server.errors import InvalidInput, NotFound, Unauthenticated
from server.handlers import serializers
from server.handlers.content.drafts import (
    UNPUBLISHED,
    chosen_status,
    schedule_in,
)
from server.handlers.content.places import place_in
from server.handlers.content.post_bodies import (
    OPTIONS,
    EditPostBody,
    PostInclude,
    PostQuery,
    PostsQuery,
    PostWithCommentsSchema,
    PublishBody,
    PublishForm,
    chosen_picture,
    form_audience,
    form_flag,
    form_uploads,
)
from server.handlers.http.bodies.multipart import FormReader
from server.handlers.http.idempotency import IdempotentResponder, canonical_json
from server.handlers.http.operations import MULTIPART, Contribution, Rate, Reply, operation, partial_update
from server.handlers.http.requests import (
    BODY,
    QUERY,
    current_principal,
    page_request,
    path_id,
)
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PostSchema, page_of
from server.ids import NO_USER, DraftId, MediaId, PostId, UserId
from server.paging import Page, PageRequest
from server.services.content.comments import Comments
from server.services.content.drafts import DraftChanges, DraftContent, Drafts
from server.services.content.limits import MAX_CAPTION
from server.services.content.pins import MAX_PINS
from server.services.content.places import PlaceChange
from server.services.content.post_options import OptionChanges, PostOptions
from server.services.content.posts import Posts, SeenEdit
from server.services.jobs.unit_of_work import IdempotencyToken
from server.services.people.user_lookup import UserLookup
from server.services.records import Draft, Post, PostStatus


class PostRoutes:
    def __init__(
        self,
        posts: Posts,
        drafts: Drafts,
        comments: Comments,
        users: UserLookup,
        forms: FormReader,
        idempotent: IdempotentResponder,
        rendered: PostSerializer,
    ) -> None:
        self._posts = posts
        self._drafts = drafts
        self._comments = comments
        self._users = users
        self._forms = forms
        self._idempotent = idempotent
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts", self.publish_post),
            web.get("/posts", self.list_posts),
            web.get("/posts/{postId}", self.get_post),
            *partial_update("/posts/{postId}", self.edit_post),
            web.delete("/posts/{postId}", self.delete_post),
        ]

    @operation(
        "publishPost",
        "Publish a post with one or more images",
        tag="posts",
        codes={
            409: ("media_processing", "too_many_drafts", "too_many_scheduled"),
            413: ("image_too_large",),
            422: (
                "image_empty",
                "image_damaged",
                "image_unprocessable",
                "picture_refused",
                "content_refused",
                "media_unusable",
                "untaggable_user",
                "unknown_place",
            ),
        },
        description=(
            "Either JSON with the ids of images that were uploaded before, or a multipart form with the files. A draft,"
            " or a post that is scheduled by `publishAt`, is seen by you only. Publishing it later creates a post with"
            " another id; `GET /posts/{postId}` then returns that post for the id of the draft, for 30 days."
        ),
        body=PublishBody,
        form=PublishForm,
        responds={201: Reply(schema=PostSchema, headers=("Location",))},
        refuses={
            409: "An image is still being processed, you have too many drafts, or a request with this Idempotency-Key"
            " is in progress",
            413: "A file or an image is too large",
            415: "A file is not an image of an accepted format",
        },
        rates=(Rate.UPLOADS, Rate.WRITES),
        contributes=Contribution.POSTS,
        idempotent=True,
        publishes=True,
    )
    async def publish_post(self, request: web.Request) -> web.Response:
        if request.content_type != MULTIPART:
            return await self._publish_media(request)
        author_id = current_principal(request).user_id
        async with self._forms.read(
            request,
            files={"images"},
            texts={"altTexts", "audience", "caption", "publishAt", "status", *OPTIONS},
        ) as form:
            caption, uploads, audience = (
                form.text("caption", MAX_CAPTION),
                form_uploads(form),
                form_audience(form),
            )
            status, publish_at_ms = schedule_in(form)
            options = PostOptions(
                form_flag(form, "commentsEnabled", default=True), form_flag(form, "hideLikeCount")
            )

            async def execute(token: IdempotencyToken | None) -> Post | Draft:
                if status in UNPUBLISHED:
                    content = DraftContent(caption, audience, publish_at_ms, options)
                    return await self._drafts.create(author_id, content, uploads, token)
                return await self._posts.publish(author_id, caption, uploads, token, audience, options)

            return await self._idempotent.respond(
                request,
                form.content_hash,
                execute=execute,
                reload=partial(self._get, author_id),
                render=partial(self._created, author_id),
            )

    async def _publish_media(self, request: web.Request) -> web.Response:
        author_id, body = current_principal(request).user_id, request[BODY]
        caption, audience = body["caption"], body["audience"]
        options = PostOptions(body["commentsEnabled"], body["hideLikeCount"])

        async def execute(token: IdempotencyToken | None) -> Post | Draft:
            chosen = [chosen_picture(each) for each in body.get("media", ())]
            media_ids = [MediaId(int(each)) for each in body.get("mediaIds", ())]
            texts: Sequence[str | None] = body["altTexts"]
            if chosen_status(body) in UNPUBLISHED:
                content = DraftContent(caption, audience, body.get("publishAt"), options)
                if chosen:
                    media_ids, texts = [each.id for each in chosen], [each.alt_text for each in chosen]
                return await self._drafts.create_from_media(author_id, content, media_ids, texts, token)
            place = place_in(body)
            if chosen:
                return await self._posts.publish_chosen(
                    author_id, caption, chosen, token, audience, options, place
                )
            return await self._posts.publish_media(
                author_id, caption, media_ids, texts, token, audience, options, place
            )

        return await self._idempotent.respond(
            request,
            canonical_json(request),
            execute=execute,
            reload=partial(self._get, author_id),
            render=partial(self._created, author_id),
        )

    @operation(
        "listPosts",
        "Get your own posts or a user's posts, pinned ones first, then newest first; or posts by their ids",
        tag="posts",
        description="Of a private account only followers see posts.",
        query=PostsQuery,
        responds={200: page_of(PostSchema)},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def list_posts(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        if "ids" in request[QUERY]:
            ids = [PostId(int(each)) for each in request[QUERY]["ids"]]
            found = Page(await self._posts.list_by_ids(viewer_id, ids), None)
            return serializers.page_response(request, found, self._rendered.for_viewer(viewer_id))
        author = request[QUERY].get("userId", viewer_id)
        if author == NO_USER:
            raise Unauthenticated("Sign in to read your own posts, or name a user with userId.")
        author_id = await self._users.resolve(viewer_id, author) if isinstance(author, str) else author
        status = PostStatus(request[QUERY].get("status", PostStatus.PUBLISHED))
        if status is not PostStatus.PUBLISHED and author_id != viewer_id:
            raise InvalidInput("Some values are invalid.", fields={"status": ["Only of your own posts."]})
        if status is PostStatus.ARCHIVED:
            page = await self._posts.list_archived(viewer_id, page_request(request))
            return serializers.page_response(request, page, self._rendered.for_viewer(viewer_id))
        if status in UNPUBLISHED:
            drafts = await self._drafts.list_own(
                viewer_id, page_request(request), scheduled=status is PostStatus.SCHEDULED
            )
            return serializers.page_response(request, drafts, self._rendered.for_viewer(viewer_id))
        page = await self._posts.list_by_author(
            viewer_id, author_id, page_request(request, max_shown=MAX_PINS)
        )
        return serializers.page_response(request, page, self._rendered.for_viewer(viewer_id))

    @operation(
        "getPost",
        "Get a post, with its comments if you want",
        tag="posts",
        description="404 for a post that was deleted, and for one that you may not see.",
        query=PostQuery,
        responds={200: PostWithCommentsSchema},
        refuses={404: "Post not found"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def get_post(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        post = await self._get(viewer_id, path_id(request, "postId"))
        if PostInclude.COMMENTS not in request[QUERY].get("include", ()) or isinstance(post, Draft):
            return serializers.json_response(self._rendered.post(viewer_id, post))
        comments = await self._comments.list_by_post(viewer_id, post.id, PageRequest())
        return serializers.json_response(self._rendered.post_with_comments(viewer_id, post, comments))

    @operation(
        "editPost",
        "Change, archive or restore your own post, or publish, schedule or change your draft",
        tag="posts",
        codes={
            409: (
                "edited_in_between",
                "media_processing",
                "already_published",
                "not_published",
                "too_many_scheduled",
            ),
            422: ("content_refused", "media_unusable", "picture_refused", "untaggable_user", "unknown_place"),
        },
        description=(
            "An omitted member stays unchanged; at least one is required. With `publishAt`, a draft is published at"
            " that time; null removes it. Publishing a draft returns the post, which has another id. An archived post"
            " keeps its likes and comments, and returns to its place when it is restored."
        ),
        body=EditPostBody,
        responds={200: PostSchema},
        refuses={
            403: "Not your post",
            404: "Post not found",
            409: "An image is still being processed, the post was edited after `ifEditedAt`, it is published already,"
            " or you have too many scheduled posts",
        },
        rates=(Rate.WRITES,),
        publishes=True,
    )
    async def edit_post(self, request: web.Request) -> web.Response:
        body, author_id = request[BODY], current_principal(request).user_id
        media = None
        if "media" in body:
            media = [chosen_picture(each) for each in body["media"]]
        seen = SeenEdit(body["ifEditedAt"]) if "ifEditedAt" in body else None
        status = chosen_status(body)
        place = PlaceChange(place_in(body)) if body.keys() & {"place", "placeId"} else None
        options = OptionChanges(body.get("commentsEnabled"), body.get("hideLikeCount"))
        changes = body.get("caption"), body.get("altTexts"), body.get("audience"), media, seen, status
        try:
            post = await self._posts.edit(author_id, _post_id(request), *changes, options, place)
        except NotFound:
            draft_id = DraftId(path_id(request, "postId"))
            of_draft = DraftChanges(*changes, body.get("publishAt"), options, place)
            post = await self._drafts.edit(author_id, draft_id, of_draft)
        return serializers.json_response(self._rendered.post(author_id, post))

    @operation(
        "deletePost",
        "Delete your own post or draft",
        tag="posts",
        description="Its comments, likes and images are deleted as well.",
        codes={409: ("already_published",)},
        responds={204: Reply("Deleted")},
        refuses={
            403: "Not your post",
            404: "Post not found",
            409: "The draft was published: delete its post",
        },
        rates=(Rate.WRITES,),
    )
    async def delete_post(self, request: web.Request) -> web.Response:
        author_id = current_principal(request).user_id
        try:
            await self._posts.delete(author_id, _post_id(request))
        except NotFound:
            await self._drafts.delete(author_id, DraftId(path_id(request, "postId")))
        return web.Response(status=204)

    async def _get(self, viewer_id: UserId, id_: int) -> Post | Draft:
        """Return a post or the viewer's draft. Raises NotFound."""
        try:
            return await self._posts.get(viewer_id, PostId(id_))
        except NotFound:
            return await self._drafts.get(viewer_id, DraftId(id_))

    async def _created(self, author_id: UserId, post: Post | Draft) -> web.Response:
        body = self._rendered.post(author_id, post)
        return serializers.json_response(body, 201, {"Location": f"/posts/{post.id}"})


def _post_id(request: web.Request) -> PostId:
    return PostId(path_id(request, "postId"))
