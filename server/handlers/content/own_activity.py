"""`/users/profile/likes`, `/users/profile/comments`: what you liked and wrote under posts."""

from functools import partial
from typing import Any

from aiohttp import web
from marshmallow import fields

from server.handlers import serializers
from server.handlers.content.comments import CommentSchema
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, page_request
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PageQuery, PostPreviewSchema, PostSchema, page_of
from server.ids import UserId
from server.services.content.comments import Comments
from server.services.content.likes import Likes
from server.services.records import OwnComment


class OwnCommentSchema(CommentSchema):
    post = fields.Nested(PostPreviewSchema, required=True)


class OwnActivityRoutes:
    def __init__(self, likes: Likes, comments: Comments, rendered: PostSerializer) -> None:
        self._likes = likes
        self._comments = comments
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/profile/likes", self.list_own_likes),
            web.get("/users/profile/comments", self.list_own_comments),
        ]

    @operation(
        "listOwnLikes",
        "Get the posts that you like, newest like first",
        tag="likes",
        description="Posts that you cannot see at present are missing, and return when you can.",
        query=PageQuery,
        responds={200: page_of(PostSchema)},
        rates=(Rate.READS,),
    )
    async def list_own_likes(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        page = await self._likes.list_own(user_id, page_request(request))
        return serializers.page_response(request, page, self._rendered.for_viewer(user_id))

    @operation(
        "listOwnComments",
        "Get your comments and replies, newest first",
        tag="comments",
        description="Each with a picture of its post. Those on posts that you cannot see at present are missing, and"
        " return when you can.",
        query=PageQuery,
        responds={200: page_of(OwnCommentSchema)},
        rates=(Rate.READS,),
    )
    async def list_own_comments(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        page = await self._comments.list_own(user_id, page_request(request))
        return serializers.page_response(request, page, partial(self._own_comment, user_id))

    def _own_comment(self, user_id: UserId, record: OwnComment) -> dict[str, Any]:
        post = self._rendered.preview(user_id, record.post)
        return {**serializers.comment(record.comment), "post": post}
