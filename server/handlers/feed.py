"""`/feed`: the personalised feed, and why something is in it or is not."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import QUERY, current_principal, page_request
from server.handlers.schemas import Id, PageQuery, PostSchema, Strict, page_of
from server.ids import PostId
from server.services.feed.explanations import Explanations, Reason
from server.services.feed.pages import Feed


class ExplainQuery(Strict):
    postId = Id(required=True, metadata={"description": "The post in question."})


class ExplanationSchema(Schema):
    postId = Id(required=True)
    inFeed = fields.Boolean(required=True)
    reason = fields.String(required=True, validate=validate.OneOf([reason.value for reason in Reason]))
    detail = fields.String(required=True, metadata={"description": "The same as a sentence for a person."})
    followed = fields.Boolean(required=True, metadata={"description": "Whether you follow its author."})


class FeedRoutes:
    def __init__(self, feed: Feed, explanations: Explanations) -> None:
        self._feed = feed
        self._explanations = explanations

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/feed", self.read), web.get("/feed/explain", self.explain)]

    @docs(
        tags=["feed"],
        operationId="readFeed",
        summary="Get your feed: your own posts and those of whom you follow, newest first",
    )
    @querystring_schema(PageQuery)
    @response_schema(page_of(PostSchema), 200)
    @rate_limited(Rate.READS)
    async def read(self, request: web.Request) -> web.Response:
        page = await self._feed.page(current_principal(request).user_id, page_request(request))
        return serializers.page_response(request, page, serializers.post)

    @docs(tags=["feed"], operationId="explainFeed", summary="Say why a post is in your feed, or is not")
    @querystring_schema(ExplainQuery)
    @response_schema(ExplanationSchema, 200)
    @rate_limited(Rate.READS)
    async def explain(self, request: web.Request) -> web.Response:
        post_id = PostId(int(request[QUERY]["postId"]))
        explanation = await self._explanations.explain(current_principal(request).user_id, post_id)
        return serializers.json_response(
            {
                "postId": str(explanation.post_id),
                "inFeed": explanation.in_feed,
                "reason": explanation.reason,
                "detail": explanation.detail,
                "followed": explanation.followed,
            }
        )
