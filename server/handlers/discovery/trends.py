"""`/hashtags/trending`: hashtags that more people use than usual, and why a hashtag trends or does not."""

from functools import lru_cache
from typing import Any

import orjson
from aiohttp import web
from marshmallow import fields

from server.handlers import serializers
from server.handlers.discovery.hashtags import HashtagSchema
from server.handlers.fields import Count, RequestSchema, Text
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY
from server.handlers.schemas import LimitQuery, page_of
from server.paging import Page
from server.services.discovery.trends import Trend, TrendReason, Trends


class TrendSchema(HashtagSchema):
    authors = Count(
        required=True,
        metadata={
            "description": "How many people used it in public posts of the last 24 hours, up to 500.",
            "examples": [24],
        },
    )
    usualAuthors = fields.Float(
        required=True,
        metadata={"description": "The same per day, in the seven days before.", "examples": [3.5]},
    )
    score = fields.Float(
        required=True,
        metadata={
            "description": "(authors - usualAuthors) / √(usualAuthors + 1): the rise in standard deviations.",
            "examples": [9.66],
        },
    )
    detail = fields.String(required=True, metadata={"description": "The numbers as a sentence."})


class TrendExplanationSchema(TrendSchema):
    trending = fields.Boolean(required=True, metadata={"description": "Whether it is among the trends."})
    rank = Count(required=True, allow_none=True, metadata={"description": "1 is first; null: no trend."})
    reason = fields.String(
        required=True, metadata={"enum": [*TrendReason], "description": "More values may be added."}
    )


class TrendQuery(RequestSchema):
    tag = Text(
        minimum=1,
        maximum=110,
        required=True,
        metadata={"description": "The hashtag in any spelling.", "examples": ["sunset"]},
    )


class TrendRoutes:
    def __init__(self, trends: Trends) -> None:
        self._trends = trends

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/hashtags/trending", self.list_trending_hashtags),
            web.get("/hashtags/trending/explain", self.explain_trending_hashtag),
        ]

    @operation(
        "listTrendingHashtags",
        "Get the hashtags that more people use than usual",
        tag="search",
        description="Ordered by their rise, not by their size; at least three people used each in the last day. There"
        " is one page of at most 50, renewed every few minutes.",
        query=LimitQuery,
        responds={200: page_of(TrendSchema)},
        rates=(Rate.READS,),
    )
    async def list_trending_hashtags(self, request: web.Request) -> web.Response:
        trends = await self._trends.list_trending(request[QUERY]["limit"])
        return serializers.page_response(request, Page(trends, None), _trend_json)

    @operation(
        "explainTrendingHashtag",
        "Explain why a hashtag trends or does not",
        tag="search",
        description="With the numbers of this moment.",
        query=TrendQuery,
        responds={200: TrendExplanationSchema},
        refuses={404: "The text is not a hashtag"},
        rates=(Rate.READS,),
    )
    async def explain_trending_hashtag(self, request: web.Request) -> web.Response:
        found = await self._trends.explain(request[QUERY]["tag"])
        return serializers.json_response(
            {
                **_trend(found.trend),
                "trending": found.rank is not None,
                "rank": found.rank,
                "reason": found.reason,
            }
        )


@lru_cache(maxsize=1024)
def _trend_json(record: Trend) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(_trend(record)))


def _trend(record: Trend) -> dict[str, Any]:
    return {
        "tag": record.tag,
        "postsCount": record.posts_count,
        "authors": record.authors,
        "usualAuthors": round(record.usual_authors, 3),
        "score": round(record.score, 3),
        "detail": record.detail,
    }
