"""`/posts/{postId}/comments`: add, list and delete comments and replies."""

from aiohttp import web
from marshmallow import fields

from server.handlers import serializers
from server.handlers.content.comment_paths import comment_path
from server.handlers.fields import Count, Id, RequestSchema, Text, Timestamp
from server.handlers.http.idempotency import IdempotentResponder, canonical_json
from server.handlers.http.operations import Contribution, Rate, Reply, operation, partial_update
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request, path_id
from server.handlers.schemas import MentionsSchema, PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema
from server.ids import CommentId, PostId
from server.paging import OLDEST_FIRST
from server.services.content.comment_approvals import CommentApprovals
from server.services.content.comments import Comments
from server.services.content.limits import MAX_COMMENT, MAX_PINNED_COMMENTS
from server.services.records import Comment


class CommentBody(RequestSchema):
    content = Text(minimum=1, maximum=MAX_COMMENT, required=True)
    parentId = Id(load_default=None, allow_none=True)


class EditCommentBody(RequestSchema):
    content = Text(minimum=1, maximum=MAX_COMMENT, required=True)


class CommentsQuery(PageQuery):
    parentId = Id(
        metadata={
            "description": "List the replies to this comment, oldest first. Default: top-level comments, newest first."
        }
    )


class CommentSchema(MentionsSchema):
    id = Id(required=True)
    postId = Id(required=True)
    parentId = Id(required=True, allow_none=True)
    author = fields.Nested(RelatedUserSchema, required=True)
    content = fields.String(required=True)
    repliesCount = Count(
        required=True, metadata={"description": "Without those that are pending or were taken down."}
    )
    likesCount = Count(required=True)
    liked = fields.Boolean(required=True)
    pinned = fields.Boolean(
        required=True, metadata={"description": "The author of the post shows it above the others."}
    )
    pending = fields.Boolean(
        required=True,
        metadata={
            "description": "You have restricted the author or hide one of its words; approve it to show it to others."
        },
    )
    createdAt = Timestamp(required=True)
    editedAt = Timestamp(required=True, allow_none=True)


class CommentRoutes:
    def __init__(
        self, comments: Comments, approvals: CommentApprovals, idempotent: IdempotentResponder
    ) -> None:
        self._comments = comments
        self._approvals = approvals
        self._idempotent = idempotent

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/comments", self.add_comment),
            web.get("/posts/{postId}/comments", self.list_comments),
            web.get("/posts/{postId}/comments/{commentId}", self.get_comment),
            *partial_update("/posts/{postId}/comments/{commentId}", self.edit_comment),
            web.delete("/posts/{postId}/comments/{commentId}", self.delete_comment),
            web.post("/posts/{postId}/comments/{commentId}/approve", self.approve_comment),
        ]

    @operation(
        "addComment",
        "Add a comment to a post, or a reply to a comment",
        tag="comments",
        description=(
            "Users that it mentions with @username are notified if they may see the post. Replies to replies belong"
            " to the same top-level comment."
        ),
        codes={
            403: ("comments_off", "comments_limited"),
            409: ("comment_pending",),
            422: ("content_refused",),
        },
        body=CommentBody,
        responds={201: CommentSchema},
        refuses={
            403: "Comments on the post are turned off (`comments_off`) or for followers of its author only"
            " (`comments_limited`), or your e-mail address is not verified, and the"
            " operator requires it",
            404: "Post or parent comment not found",
            409: "The parent is pending, or a request with this Idempotency-Key is in progress",
        },
        rates=(Rate.WRITES,),
        contributes=Contribution.COMMENTS,
        idempotent=True,
        publishes=True,
    )
    async def add_comment(self, request: web.Request) -> web.Response:
        body = request[BODY]
        parent_id = None if body["parentId"] is None else CommentId(int(body["parentId"]))
        post_id = PostId(path_id(request, "postId"))
        author_id = current_principal(request).user_id
        return await self._idempotent.respond(
            request,
            canonical_json(request),
            execute=lambda token: self._comments.add(author_id, post_id, body["content"], parent_id, token),
            reload=lambda comment_id: self._comments.get(CommentId(comment_id)),
            render=_created,
        )

    @operation(
        "listComments",
        "Get the comments on a post, newest first, or the replies to a comment, oldest first",
        tag="comments",
        description="Pinned comments come before the others. Without comments by users that you have blocked or that"
        " have blocked you.",
        query=CommentsQuery,
        responds={200: page_of(CommentSchema)},
        refuses={404: "Post or parent comment not found"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def list_comments(self, request: web.Request) -> web.Response:
        viewer_id, post_id = current_principal(request).user_id, PostId(path_id(request, "postId"))
        if "parentId" in request[QUERY]:
            parent_id = CommentId(int(request[QUERY]["parentId"]))
            wanted = page_request(request, OLDEST_FIRST)
            page = await self._comments.list_replies(viewer_id, post_id, parent_id, wanted)
        else:
            wanted = page_request(request, max_shown=MAX_PINNED_COMMENTS)
            page = await self._comments.list_by_post(viewer_id, post_id, wanted)
        return serializers.page_response(request, page, serializers.comment)

    @operation(
        "getComment",
        "Get a comment or a reply",
        tag="comments",
        description="The comments to which a notification leads are read like this.",
        responds={200: CommentSchema},
        refuses={404: "Post or comment not found"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def get_comment(self, request: web.Request) -> web.Response:
        comment = await self._comments.find(*comment_path(request))
        return serializers.json_response(serializers.comment(comment))

    @operation(
        "editComment",
        "Change the text of your own comment",
        tag="comments",
        codes={422: ("content_refused",)},
        description="Users that it mentions now are notified. A pending comment stays pending.",
        body=EditCommentBody,
        responds={200: CommentSchema},
        refuses={403: "Not your comment", 404: "Post or comment not found"},
        rates=(Rate.WRITES,),
    )
    async def edit_comment(self, request: web.Request) -> web.Response:
        comment = await self._comments.edit(*comment_path(request), request[BODY]["content"])
        return serializers.json_response(serializers.comment(comment))

    @operation(
        "deleteComment",
        "Delete a comment and its replies",
        tag="comments",
        description="Allowed for the comment's author and the post's author.",
        responds={204: Reply("Deleted")},
        refuses={403: "Neither your comment nor your post", 404: "Post or comment not found"},
        rates=(Rate.WRITES,),
    )
    async def delete_comment(self, request: web.Request) -> web.Response:
        await self._comments.delete(*comment_path(request))
        return web.Response(status=204)

    @operation(
        "approveComment",
        "Approve a pending comment on your own post",
        tag="comments",
        codes={409: ("comment_pending",)},
        description="Everybody who sees the post sees the comment from now on. An approved comment stays as it is.",
        responds={204: Reply("The comment is approved")},
        refuses={
            403: "Not your post",
            404: "Post or comment not found",
            409: "The comment answers a pending one",
        },
        rates=(Rate.WRITES,),
    )
    async def approve_comment(self, request: web.Request) -> web.Response:
        await self._approvals.approve(*comment_path(request))
        return web.Response(status=204)


async def _created(comment: Comment) -> web.Response:
    return serializers.json_response(serializers.comment(comment), 201)
