"""`/posts/{postId}/comments`: comment, reply, read, and delete."""

from aiohttp import web
from aiohttp_apispec import docs, json_schema, querystring_schema, response_schema
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.http.idempotency import IdempotentResponder, idempotent, json_content
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request, path_id
from server.handlers.schemas import (
    Count,
    Id,
    Moment,
    PageQuery,
    ProblemSchema,
    Strict,
    Text,
    UserCardSchema,
    page_of,
)
from server.ids import CommentId, PostId
from server.services.content.comments import Comments
from server.services.records import Comment


class CommentBody(Strict):
    content = Text(minimum=1, maximum=2200, required=True)
    parentId = Id(load_default=None, allow_none=True)


class CommentsQuery(PageQuery):
    parentId = Id(metadata={"description": "Whose replies; left out: the comments that are no reply."})


class CommentSchema(Schema):
    id = Id(required=True)
    postId = Id(required=True)
    parentId = Id(required=True, allow_none=True)
    author = fields.Nested(UserCardSchema, required=True)
    content = fields.String(required=True)
    mentions = fields.List(fields.String(), required=True)
    repliesCount = Count(required=True)
    createdAt = Moment(required=True)


class CommentRoutes:
    def __init__(self, comments: Comments, repeats: IdempotentResponder) -> None:
        self._comments = comments
        self._repeats = repeats

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/comments", self.add),
            web.get("/posts/{postId}/comments", self.of_post),
            web.delete("/posts/{postId}/comments/{commentId}", self.delete),
        ]

    @docs(
        tags=["comments"],
        operationId="addComment",
        summary="Add a comment to a post, or a reply to a comment",
    )
    @idempotent
    @json_schema(CommentBody)
    @response_schema(CommentSchema, 201)
    @response_schema(ProblemSchema, 404, description="No such post, or no such comment to reply to")
    @rate_limited(Rate.WRITES)
    async def add(self, request: web.Request) -> web.Response:
        body = request[BODY]
        parent_id = None if body["parentId"] is None else CommentId(int(body["parentId"]))
        post_id = PostId(path_id(request, "postId"))
        author_id = current_principal(request).user_id
        return await self._repeats.answer(
            request,
            json_content(request),
            do=lambda once: self._comments.add(author_id, post_id, body["content"], parent_id, once),
            again=lambda comment_id: self._comments.get(CommentId(comment_id)),
            render=_created,
        )

    @docs(
        tags=["comments"],
        operationId="listComments",
        summary="Get the comments of a post, or the replies to one of them, newest first",
    )
    @querystring_schema(CommentsQuery)
    @response_schema(page_of(CommentSchema), 200)
    @response_schema(ProblemSchema, 404, description="No such post, or no such comment of it")
    @rate_limited(Rate.READS)
    async def of_post(self, request: web.Request) -> web.Response:
        viewer_id, post_id = current_principal(request).user_id, PostId(path_id(request, "postId"))
        wanted = page_request(request)
        if "parentId" in request[QUERY]:
            parent_id = CommentId(int(request[QUERY]["parentId"]))
            page = await self._comments.replies(viewer_id, post_id, parent_id, wanted)
        else:
            page = await self._comments.of_post(viewer_id, post_id, wanted)
        return serializers.page_response(request, page, serializers.comment)

    @docs(
        tags=["comments"],
        operationId="deleteComment",
        summary="Delete a comment",
        description="By its author or the post's. The replies to it go with it.",
    )
    @response_schema(None, 204, description="It is gone")
    @response_schema(ProblemSchema, 403, description="Neither your comment nor your post")
    @response_schema(ProblemSchema, 404, description="No such post, or no such comment of it")
    @rate_limited(Rate.WRITES)
    async def delete(self, request: web.Request) -> web.Response:
        post_id = PostId(path_id(request, "postId"))
        comment_id = CommentId(path_id(request, "commentId"))
        await self._comments.delete(current_principal(request).user_id, post_id, comment_id)
        return web.Response(status=204)


async def _created(comment: Comment) -> web.Response:
    return serializers.json_response(serializers.comment(comment), 201)
