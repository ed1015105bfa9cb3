"""`/posts/{postId}/save`, `/saved`: save posts, and list them."""

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, page_request, path_id
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PageQuery, PostSchema, page_of
from server.ids import PostId
from server.services.content.saves import Saves


class SaveStateSchema(Schema):
    saved = fields.Boolean(required=True)


class SaveRoutes:
    def __init__(self, saves: Saves, rendered: PostSerializer) -> None:
        self._saves = saves
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/save", self.save_post),
            web.delete("/posts/{postId}/save", self.unsave_post),
            web.get("/saved", self.list_saved),
        ]

    @operation(
        "savePost",
        "Save a post",
        tag="saved",
        description="Other users do not learn of it. A saved post stays as it is.",
        responds={200: SaveStateSchema},
        refuses={404: "Post not found"},
        rates=(Rate.WRITES,),
    )
    async def save_post(self, request: web.Request) -> web.Response:
        await self._saves.save(current_principal(request).user_id, PostId(path_id(request, "postId")))
        return serializers.json_response({"saved": True})

    @operation(
        "unsavePost",
        "Remove a post from your saved posts, and from your collections",
        tag="saved",
        description="The result is the same if you have not saved the post, or cannot see it any more.",
        responds={200: SaveStateSchema},
        refuses={404: "The id is invalid"},
        rates=(Rate.WRITES,),
    )
    async def unsave_post(self, request: web.Request) -> web.Response:
        await self._saves.unsave(current_principal(request).user_id, PostId(path_id(request, "postId")))
        return serializers.json_response({"saved": False})

    @operation(
        "listSaved",
        "Get your saved posts, newest save first",
        tag="saved",
        description="Posts that you cannot see at present are missing, and return when you can.",
        query=PageQuery,
        responds={200: page_of(PostSchema)},
        rates=(Rate.READS,),
    )
    async def list_saved(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        page = await self._saves.list_page(user_id, page_request(request))
        return serializers.page_response(request, page, self._rendered.for_viewer(user_id))
