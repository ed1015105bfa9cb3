"""`/posts/{postId}/comments`: add, list and delete comments and replies."""

from aiohttp import web
from marshmallow import fields

from server.handlers import serializers
from server.handlers.fields import Count, Id, RequestSchema, Text, Timestamp
from server.handlers.http.idempotency import IdempotentResponder, canonical_json
from server.handlers.http.operations import Contribution, Rate, Reply, operation
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request, path_id
from server.handlers.schemas import MentionsSchema, PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema
from server.ids import CommentId, PostId
from server.services.content.comment_approvals import CommentApprovals
from server.services.content.comments import Comments
from server.services.content.limits import MAX_COMMENT
from server.services.records import Comment


class CommentBody(RequestSchema):
    content = Text(minimum=1, maximum=MAX_COMMENT, required=True)
    parentId = Id(load_default=None, allow_none=True)


class CommentsQuery(PageQuery):
    parentId = Id(metadata={"description": "List the replies to this comment. Default: top-level comments."})


class CommentSchema(MentionsSchema):
    id = Id(required=True)
    postId = Id(required=True)
    parentId = Id(required=True, allow_none=True)
    author = fields.Nested(RelatedUserSchema, required=True)
    content = fields.String(required=True)
    repliesCount = Count(required=True)
    likesCount = Count(required=True)
    liked = fields.Boolean(required=True)
    pending = fields.Boolean(
        required=True,
        metadata={"description": "You have restricted the author; approve it to show it to others."},
    )
    createdAt = Timestamp(required=True)


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
        codes={409: ("comment_pending",), 422: ("content_refused",)},
        body=CommentBody,
        responds={201: CommentSchema},
        refuses={
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
        "Get the comments on a post, or the replies to a comment, newest first",
        tag="comments",
        description="Without comments by users that you have blocked or that have blocked you.",
        query=CommentsQuery,
        responds={200: page_of(CommentSchema)},
        refuses={404: "Post or parent comment not found"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def list_comments(self, request: web.Request) -> web.Response:
        viewer_id, post_id = current_principal(request).user_id, PostId(path_id(request, "postId"))
        wanted = page_request(request)
        if "parentId" in request[QUERY]:
            parent_id = CommentId(int(request[QUERY]["parentId"]))
            page = await self._comments.list_replies(viewer_id, post_id, parent_id, wanted)
        else:
            page = await self._comments.list_by_post(viewer_id, post_id, wanted)
        return serializers.page_response(request, page, serializers.comment)

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
        post_id = PostId(path_id(request, "postId"))
        comment_id = CommentId(path_id(request, "commentId"))
        await self._comments.delete(current_principal(request).user_id, post_id, comment_id)
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
        post_id = PostId(path_id(request, "postId"))
        comment_id = CommentId(path_id(request, "commentId"))
        await self._approvals.approve(current_principal(request).user_id, post_id, comment_id)
        return web.Response(status=204)


async def _created(comment: Comment) -> web.Response:
    return serializers.json_response(serializers.comment(comment), 201)
