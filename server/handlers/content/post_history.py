"""`/posts/{postId}/history`: what a post showed before it was edited."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import Count, Id, Timestamp
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, page_request, path_id
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import ImageSchema, PageQuery, page_of
from server.ids import PostId
from server.services.content.post_history import PostHistory
from server.services.records import PostVersion


class PostVersionSchema(Schema):
    id = Id(required=True)
    caption = fields.String(required=True)
    hashtags = fields.List(fields.String(), required=True)
    images = fields.List(
        fields.Nested(ImageSchema),
        required=True,
        metadata={
            "description": "The images that the post still has, in the order of that time, with its alt texts."
        },
    )
    removedImagesCount = Count(
        required=True, metadata={"description": "The images that were removed since then; they are deleted."}
    )
    replacedAt = Timestamp(required=True)


class PostHistoryRoutes:
    def __init__(self, history: PostHistory, rendered: PostSerializer) -> None:
        self._history = history
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/posts/{postId}/history", self.list_post_versions)]

    @operation(
        "listPostVersions",
        "Get the earlier versions of a post, newest first",
        tag="posts",
        description=(
            "Every edit of the caption, the alt texts or the images keeps the version that it replaces. Who sees the"
            " post sees its versions, except those that were shown to a narrower audience."
        ),
        query=PageQuery,
        responds={200: page_of(PostVersionSchema)},
        refuses={404: "Post not found"},
        rates=(Rate.READS,),
    )
    async def list_post_versions(self, request: web.Request) -> web.Response:
        viewer_id, post_id = current_principal(request).user_id, PostId(path_id(request, "postId"))
        post, page = await self._history.list_versions(viewer_id, post_id, page_request(request))

        def render(version: PostVersion) -> dict[str, Any]:
            return {
                "id": str(version.id),
                "caption": version.caption,
                "hashtags": version.hashtags,
                "images": self._rendered.images(viewer_id, post, version.images),
                "removedImagesCount": version.removed_images,
                "replacedAt": isoformat(version.replaced_at_ms),
            }

        return serializers.page_response(request, page, render)
