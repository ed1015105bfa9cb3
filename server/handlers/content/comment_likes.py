"""`/posts/{postId}/comments/{commentId}/likes`: like and unlike a comment, and list who likes it."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.content.comment_paths import comment_path
from server.handlers.content.likes import LikeStateSchema, like_state
from server.handlers.http.operations import Contribution, Rate, operation
from server.handlers.http.requests import page_request
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.services.content.comment_likes import CommentLikes


class CommentLikeRoutes:
    def __init__(self, likes: CommentLikes) -> None:
        self._likes = likes

    def routes(self) -> list[web.RouteDef]:
        path = "/posts/{postId}/comments/{commentId}/likes"
        return [
            web.post(path, self.like_comment),
            web.delete(path, self.unlike_comment),
            web.get(path, self.list_comment_likers),
        ]

    @operation(
        "likeComment",
        "Like a comment or a reply",
        tag="comments",
        description="Has no further effect on a comment that you like already.",
        responds={200: LikeStateSchema},
        refuses={
            404: "Post or comment not found",
            409: "The comment is pending : approve it first",
        },
        codes={409: ("comment_pending",)},
        rates=(Rate.WRITES,),
        contributes=Contribution.LIKES,
    )
    async def like_comment(self, request: web.Request) -> web.Response:
        return like_state(await self._likes.like(*comment_path(request)))

    @operation(
        "unlikeComment",
        "Unlike a comment or a reply",
        tag="comments",
        description="Has no effect on a comment that you do not like.",
        responds={200: LikeStateSchema},
        refuses={404: "Post or comment not found"},
        rates=(Rate.WRITES,),
    )
    async def unlike_comment(self, request: web.Request) -> web.Response:
        return like_state(await self._likes.unlike(*comment_path(request)))

    @operation(
        "listCommentLikers",
        "Get the users who like a comment, newest like first",
        tag="comments",
        description="Without users that you have blocked or that have blocked you.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        refuses={404: "Post or comment not found"},
        rates=(Rate.READS,),
    )
    async def list_comment_likers(self, request: web.Request) -> web.Response:
        page = await self._likes.list_likers(*comment_path(request), page_request(request))
        return serializers.page_response(request, page, related_user)
