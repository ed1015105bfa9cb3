"""`/posts/{postId}/likes`: like and unlike a post, and list who likes it."""

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.operations import Contribution, Rate, operation
from server.handlers.http.requests import current_principal, page_request, path_id
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.ids import PostId
from server.services.content.likes import Likes
from server.services.records import LikeState


class LikeStateSchema(Schema):
    liked = fields.Boolean(required=True)
    likesCount = Count(
        required=True,
        allow_none=True,
        metadata={"description": "`null` if only the author of the post sees it."},
    )


class LikeRoutes:
    def __init__(self, likes: Likes) -> None:
        self._likes = likes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/likes", self.like_post),
            web.delete("/posts/{postId}/likes", self.unlike_post),
            web.get("/posts/{postId}/likes", self.list_likers),
        ]

    @operation(
        "likePost",
        "Like a post",
        tag="likes",
        description="Has no further effect on a post that you like already.",
        responds={200: LikeStateSchema},
        refuses={404: "Post not found"},
        rates=(Rate.WRITES,),
        contributes=Contribution.LIKES,
    )
    async def like_post(self, request: web.Request) -> web.Response:
        state = await self._likes.like(current_principal(request).user_id, _post_id(request))
        return like_state(state)

    @operation(
        "unlikePost",
        "Unlike a post",
        tag="likes",
        description="Has no effect on a post that you do not like.",
        responds={200: LikeStateSchema},
        refuses={404: "Post not found"},
        rates=(Rate.WRITES,),
    )
    async def unlike_post(self, request: web.Request) -> web.Response:
        state = await self._likes.unlike(current_principal(request).user_id, _post_id(request))
        return like_state(state)

    @operation(
        "listLikers",
        "Get the users who like a post, newest like first",
        tag="likes",
        description="Without users that you have blocked or that have blocked you.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        refuses={404: "Post not found"},
        rates=(Rate.READS,),
        etag=True,
    )
    async def list_likers(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        page = await self._likes.list_likers(viewer_id, _post_id(request), page_request(request))
        return serializers.page_response(request, page, related_user)


def _post_id(request: web.Request) -> PostId:
    return PostId(path_id(request, "postId"))


def like_state(state: LikeState) -> web.Response:
    """Return whether the viewer likes something, and how many users do."""
    return serializers.json_response({"liked": state.liked, "likesCount": state.likes_count})
