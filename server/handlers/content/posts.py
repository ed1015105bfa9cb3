"""`/posts`: publish photographs, read posts, change and delete them."""

from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, form_schema, json_schema, querystring_schema, response_schema
from marshmallow import ValidationError, fields, validate, validates_schema

from server.errors import InvalidInput
from server.handlers import serializers
from server.handlers.http.idempotency import IdempotentResponder, idempotent
from server.handlers.http.multipart import Form, Uploads
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request, path_id
from server.handlers.schemas import File, Id, PageQuery, PostSchema, ProblemSchema, Strict, Text, page_of
from server.ids import PostId, UserId
from server.services.content.posts import Posts, Upload, more_texts_than_pictures
from server.services.records import Post

MAX_CAPTION = 2200
MAX_ALT_TEXT = 1000
MAX_IMAGES = 10


class PublishForm(Strict):
    """What `publish` takes as multipart/form-data; `_uploads` and the `Form` check it."""

    images = fields.List(
        File(),
        required=True,
        validate=validate.Length(1, MAX_IMAGES),
        metadata={"description": "JPEG, PNG or WebP."},
    )
    altTexts = fields.List(
        Text(maximum=MAX_ALT_TEXT),
        validate=validate.Length(max=MAX_IMAGES),
        metadata={"description": "One for each image, in their order."},
    )
    caption = Text(maximum=MAX_CAPTION, metadata={"examples": ["The last light #sunset"]})


class PostsQuery(PageQuery):
    userId = Id(metadata={"description": "Whose posts; left out: your own."})


class PostBody(Strict):
    caption = Text(maximum=MAX_CAPTION)
    altTexts = fields.List(
        Text(maximum=MAX_ALT_TEXT),
        validate=validate.Length(max=MAX_IMAGES),
        metadata={
            "description": "One for each image at most, in their order; images beyond the last text have none."
        },
    )

    keywords = MappingProxyType({"minProperties": 1})

    @validates_schema
    def _changes_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Give a caption, altTexts, or both.", "caption")


class PostRoutes:
    def __init__(self, posts: Posts, uploads: Uploads, repeats: IdempotentResponder) -> None:
        self._posts = posts
        self._repeats = repeats
        self._uploads = uploads

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts", self.publish),
            web.get("/posts", self.of_author),
            web.get("/posts/{postId}", self.read),
            web.put("/posts/{postId}", self.edit),
            web.delete("/posts/{postId}", self.delete),
        ]

    @docs(
        tags=["posts"],
        operationId="publishPost",
        summary="Publish a post with one or more photographs",
        headers={"201": ["Location"]},
    )
    @idempotent
    @form_schema(PublishForm)
    @response_schema(PostSchema, 201)
    @response_schema(ProblemSchema, 413, description="A file or an image is too large")
    @response_schema(ProblemSchema, 415, description="A file is no JPEG, PNG or WebP image")
    @rate_limited(Rate.UPLOADS, Rate.WRITES)
    async def publish(self, request: web.Request) -> web.Response:
        author_id = current_principal(request).user_id
        async with self._uploads.read(request, files={"images"}, texts={"altTexts", "caption"}) as form:
            caption, uploads = form.text("caption", MAX_CAPTION), _uploads(form)
            return await self._repeats.answer(
                request,
                form.content,
                do=lambda once: self._posts.publish(author_id, caption, uploads, once),
                again=lambda post_id: self._posts.get(author_id, PostId(post_id)),
                render=_created,
            )

    @docs(tags=["posts"], operationId="listPosts", summary="Get your own posts, or somebody's, newest first")
    @querystring_schema(PostsQuery)
    @response_schema(page_of(PostSchema), 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    @rate_limited(Rate.READS)
    async def of_author(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        author_id = UserId(int(request[QUERY].get("userId", viewer_id)))
        page = await self._posts.of_author(viewer_id, author_id, page_request(request))
        return serializers.page_response(request, page, serializers.post)

    @docs(tags=["posts"], operationId="getPost", summary="Get a post")
    @response_schema(PostSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    @rate_limited(Rate.READS)
    async def read(self, request: web.Request) -> web.Response:
        post = await self._posts.get(current_principal(request).user_id, PostId(path_id(request, "postId")))
        return serializers.json_response(serializers.post(post))

    @docs(
        tags=["posts"],
        operationId="editPost",
        summary="Change the caption or the texts of the images of your own post",
        description="What is left out stays as it is; one of them has to be there.",
    )
    @json_schema(PostBody)
    @response_schema(PostSchema, 200)
    @response_schema(ProblemSchema, 403, description="Not your post")
    @response_schema(ProblemSchema, 404, description="No such post")
    @rate_limited(Rate.WRITES)
    async def edit(self, request: web.Request) -> web.Response:
        body, post_id = request[BODY], PostId(path_id(request, "postId"))
        post = await self._posts.edit(
            current_principal(request).user_id, post_id, body.get("caption"), body.get("altTexts")
        )
        return serializers.json_response(serializers.post(post))

    @docs(tags=["posts"], operationId="deletePost", summary="Delete your own post")
    @response_schema(None, 204, description="It is gone")
    @response_schema(ProblemSchema, 403, description="Not your post")
    @response_schema(ProblemSchema, 404, description="No such post")
    @rate_limited(Rate.WRITES)
    async def delete(self, request: web.Request) -> web.Response:
        await self._posts.delete(current_principal(request).user_id, PostId(path_id(request, "postId")))
        return web.Response(status=204)


async def _created(post: Post) -> web.Response:
    return serializers.json_response(serializers.post(post), 201, {"Location": f"/posts/{post.id}"})


def _uploads(form: Form) -> list[Upload]:
    paths = form.files.get("images", [])
    if not paths:
        raise InvalidInput("A post needs a picture.", fields={"images": ["At least one file."]})
    alt_texts = form.all_texts("altTexts", MAX_ALT_TEXT)
    if len(alt_texts) > len(paths):
        raise more_texts_than_pictures()
    alt_texts += [""] * (len(paths) - len(alt_texts))
    return [Upload(path, alt_text) for path, alt_text in zip(paths, alt_texts, strict=True)]
