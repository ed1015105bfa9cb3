"""`/hashtags/{tag}`: hashtags and their posts."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, page_request
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PageQuery, PostSchema, page_of
from server.services.discovery.hashtag_search import Hashtag, HashtagSearch


class HashtagSchema(Schema):
    tag = fields.String(required=True, metadata={"examples": ["sunset"]})
    postsCount = Count(
        required=True,
        metadata={
            "description": "Posts that everyone may see: of active, public accounts. It may lag behind by seconds."
        },
    )


class HashtagRoutes:
    def __init__(self, hashtags: HashtagSearch, rendered: PostSerializer) -> None:
        self._hashtags = hashtags
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/hashtags/{tag}", self.get_hashtag),
            web.get("/hashtags/{tag}/posts", self.list_hashtag_posts),
        ]

    @operation(
        "getHashtag",
        "Get a hashtag, in any spelling",
        tag="search",
        description="With the number of public posts that have it.",
        responds={200: HashtagSchema},
        refuses={404: "The text is not a hashtag"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def get_hashtag(self, request: web.Request) -> web.Response:
        return serializers.json_response(hashtag(await self._hashtags.get(request.match_info["tag"])))

    @operation(
        "listHashtagPosts",
        "Get the posts with a hashtag that you may see, newest first",
        tag="search",
        description="Posts by users that you have blocked or muted are left out.",
        query=PageQuery,
        responds={200: page_of(PostSchema)},
        refuses={404: "The text is not a hashtag"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def list_hashtag_posts(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        page = await self._hashtags.list_posts(viewer_id, request.match_info["tag"], page_request(request))
        return serializers.page_response(request, page, self._rendered.for_viewer(viewer_id))


def hashtag(record: Hashtag) -> dict[str, Any]:
    return {"tag": record.tag, "postsCount": record.posts_count}
