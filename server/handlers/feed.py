"""`/feed`: the personalised feed, and why a post is or is not in it."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.fields import Id, RequestSchema
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY, current_principal, page_request
from server.handlers.post_serializer import PostSerializer, kept_page_response
from server.handlers.schemas import PostPageQuery, PostSchema, page_of
from server.ids import PostId
from server.services.feed.explanations import Explanations, Reason
from server.services.feed.pages import Feed
from server.services.records import Audience


class ExplainQuery(RequestSchema):
    postId = Id(required=True, metadata={"description": "The post to explain."})


class FeedExplanationSchema(Schema):
    postId = Id(required=True)
    inFeed = fields.Boolean(required=True)
    reason = fields.String(required=True, validate=validate.OneOf([reason.value for reason in Reason]))
    detail = fields.String(required=True, metadata={"description": "The reason as a sentence."})
    followed = fields.Boolean(required=True, metadata={"description": "Whether you follow the author."})
    audience = fields.Enum(
        Audience,
        by_value=fields.String,
        required=True,
        allow_none=True,
        metadata={"description": "The audience of the post; null if you do not find it."},
    )


class FeedRoutes:
    def __init__(self, feed: Feed, explanations: Explanations, rendered: PostSerializer) -> None:
        self._feed = feed
        self._rendered = rendered
        self._explanations = explanations

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/feed", self.read_feed), web.get("/feed/explain", self.explain_feed)]

    @operation(
        "readFeed",
        "Get your feed: your own posts and those of users you follow, newest first",
        tag="feed",
        description="Page through it with `nextCursor`. New posts appear on the first page.",
        query=PostPageQuery,
        responds={200: page_of(PostSchema)},
        rates=(Rate.READS,),
        etag=True,
    )
    async def read_feed(self, request: web.Request) -> web.Response:
        reader_id = current_principal(request).user_id
        page = await self._feed.page(reader_id, page_request(request))
        if "include" in request[QUERY]:
            page = await self._feed.add_likers(reader_id, page)
            return serializers.page_response(request, page, self._rendered.for_viewer(reader_id))
        rendered = self._rendered.page(reader_id, page)
        return kept_page_response(request, rendered)

    @operation(
        "explainFeed",
        "Explain why a post is or is not in your feed",
        tag="feed",
        description="For support, and for tests of clients: names the rule that decided.",
        query=ExplainQuery,
        responds={200: FeedExplanationSchema},
        rates=(Rate.READS,),
    )
    async def explain_feed(self, request: web.Request) -> web.Response:
        post_id = PostId(int(request[QUERY]["postId"]))
        explanation = await self._explanations.explain(current_principal(request).user_id, post_id)
        return serializers.json_response(
            {
                "postId": str(explanation.post_id),
                "inFeed": explanation.in_feed,
                "reason": explanation.reason,
                "detail": explanation.detail,
                "followed": explanation.followed,
                "audience": explanation.audience,
            }
        )
