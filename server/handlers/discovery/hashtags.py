"""`/hashtags/{tag}`: hashtags and their posts."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY, current_principal, page_request
from server.handlers.post_serializer import PostSerializer, kept_page_response
from server.handlers.schemas import PageQuery, PostPageQuery, PostSchema, page_of
from server.services.discovery.hashtag_follows import HashtagFollows
from server.services.discovery.hashtag_search import Hashtag, HashtagSearch


class HashtagSchema(Schema):
    tag = fields.String(required=True, metadata={"examples": ["sunset"]})
    postsCount = Count(
        required=True,
        metadata={
            "description": "Posts that everyone may see: of active, public accounts. It may lag behind by seconds."
        },
    )


class FollowedHashtagSchema(HashtagSchema):
    following = fields.Boolean(
        required=True, metadata={"description": "You follow it: its public posts come into your feed."}
    )


class HashtagRoutes:
    def __init__(self, hashtags: HashtagSearch, follows: HashtagFollows, rendered: PostSerializer) -> None:
        self._hashtags = hashtags
        self._follows = follows
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/hashtags/following", self.list_followed_hashtags),
            web.get("/hashtags/{tag}", self.get_hashtag),
            web.post("/hashtags/{tag}/follow", self.follow_hashtag),
            web.delete("/hashtags/{tag}/follow", self.unfollow_hashtag),
            web.get("/hashtags/{tag}/posts", self.list_hashtag_posts),
        ]

    @operation(
        "getHashtag",
        "Get a hashtag, in any spelling",
        tag="search",
        description="With the number of public posts that have it.",
        responds={200: FollowedHashtagSchema},
        refuses={404: "The text is not a hashtag"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def get_hashtag(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        found = await self._follows.get(viewer_id, request.match_info["tag"])
        return serializers.json_response(followed_hashtag(found))

    @operation(
        "listFollowedHashtags",
        "Get the hashtags that you follow",
        tag="follows",
        description="The newest follow first; at most 50.",
        query=PageQuery,
        responds={200: page_of(HashtagSchema)},
        rates=(Rate.READS,),
    )
    async def list_followed_hashtags(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        page = await self._follows.list_followed(user_id, page_request(request))
        return serializers.page_response(
            request, page, lambda row: {"tag": row.tag, "postsCount": row.posts_count}
        )

    @operation(
        "followHashtag",
        "Follow a hashtag",
        tag="follows",
        description="Its public posts come into your feed, without those of users that you muted or blocked. A second"
        " time changes nothing.",
        responds={200: FollowedHashtagSchema},
        refuses={404: "The text is not a hashtag", 409: "You follow 50 hashtags"},
        codes={409: ("too_many_hashtags",)},
        rates=(Rate.WRITES,),
    )
    async def follow_hashtag(self, request: web.Request) -> web.Response:
        found = await self._follows.follow(current_principal(request).user_id, request.match_info["tag"])
        return serializers.json_response(followed_hashtag(found))

    @operation(
        "unfollowHashtag",
        "Stop to follow a hashtag",
        tag="follows",
        description="Its posts leave your feed, except those of users that you follow.",
        responds={200: FollowedHashtagSchema},
        refuses={404: "The text is not a hashtag"},
        rates=(Rate.WRITES,),
    )
    async def unfollow_hashtag(self, request: web.Request) -> web.Response:
        found = await self._follows.unfollow(current_principal(request).user_id, request.match_info["tag"])
        return serializers.json_response(followed_hashtag(found))

    @operation(
        "listHashtagPosts",
        "Get the posts with a hashtag that you may see, newest first",
        tag="search",
        description="Posts by users that you have blocked or muted are left out.",
        query=PostPageQuery,
        responds={200: page_of(PostSchema)},
        refuses={404: "The text is not a hashtag"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def list_hashtag_posts(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        with_likers = "include" in request[QUERY]
        page = await self._hashtags.list_posts(
            viewer_id, request.match_info["tag"], page_request(request), with_likers=with_likers
        )
        return kept_page_response(request, self._rendered.page(viewer_id, page))


def followed_hashtag(record: Hashtag) -> dict[str, Any]:
    return {**hashtag(record), "following": record.following}


def hashtag(record: Hashtag) -> dict[str, Any]:
    return {"tag": record.tag, "postsCount": record.posts_count}
