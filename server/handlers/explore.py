"""`/explore`: popular and fresh posts by others, and why a post is or is not among them."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import Count, Id, RequestSchema, Timestamp
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY, current_principal
from server.handlers.post_serializer import PostSerializer, kept_page_response
from server.handlers.schemas import LimitQuery, PostSchema, page_of
from server.ids import PostId
from server.services.explore.explanations import ExploreExplanations, ExploreReason
from server.services.explore.pages import Explore

MAX_CURSOR = 200


class ExploreQuery(LimitQuery):
    cursor = fields.String(
        validate=validate.Length(max=MAX_CURSOR),
        metadata={"format": "search-cursor", "description": "`nextCursor` of the previous page."},
    )


class ExplainExploreQuery(RequestSchema):
    postId = Id(required=True, metadata={"description": "The post to explain."})


class ExploreExplanationSchema(Schema):
    """Numbers are null for a post that you do not find, or whose author hides them from you."""

    postId = Id(required=True)
    inExplore = fields.Boolean(required=True, metadata={"description": "Whether explore shows you the post."})
    reason = fields.String(
        required=True, metadata={"enum": [*ExploreReason], "description": "More values may be added."}
    )
    detail = fields.String(required=True, metadata={"description": "The reason as a sentence."})
    rank = Count(required=True, allow_none=True, metadata={"description": "1 is first; null: not ranked."})
    likesCount = Count(required=True, allow_none=True)
    commentsCount = Count(required=True, allow_none=True)
    engagement = Count(
        required=True, allow_none=True, metadata={"description": "Likes, and twice the comments."}
    )
    ageHours = fields.Float(
        required=True, allow_none=True, metadata={"description": "Hours since the publication."}
    )
    score = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "log10(engagement) + publication time / 45,000 s: a post that is 12.5 hours older needs"
            " ten times the engagement."
        },
    )
    lowestScore = fields.Float(
        required=True, allow_none=True, metadata={"description": "Lowest score in the current ranking."}
    )
    rankedAt = Timestamp(required=True, allow_none=True)


class ExploreRoutes:
    def __init__(self, explore: Explore, explanations: ExploreExplanations, rendered: PostSerializer) -> None:
        self._explore = explore
        self._explanations = explanations
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/explore", self.read_explore),
            web.get("/explore/explain", self.explain_explore),
        ]

    @operation(
        "readExplore",
        "Get popular and fresh posts of public accounts that you do not follow",
        tag="explore",
        description="Without posts that you like or have scrolled past, and without accounts that you muted, restricted"
        " or blocked. The ranking is renewed every few minutes; a list that you began stays in its ranking. Once you"
        " have seen everything, it starts again.",
        query=ExploreQuery,
        responds={200: page_of(PostSchema)},
        rates=(Rate.READS,),
        etag=True,
    )
    async def read_explore(self, request: web.Request) -> web.Response:
        viewer_id, query = current_principal(request).user_id, request[QUERY]
        page = await self._explore.page(viewer_id, query["limit"], query.get("cursor"))
        rendered = self._rendered.page(viewer_id, page)
        return kept_page_response(request, rendered)

    @operation(
        "explainExplore",
        "Explain the rank of a post in explore, or why you do not get it there",
        tag="explore",
        description="With the numbers that its score follows from. A post that you may not see is not found.",
        query=ExplainExploreQuery,
        responds={200: ExploreExplanationSchema},
        rates=(Rate.READS,),
    )
    async def explain_explore(self, request: web.Request) -> web.Response:
        post_id = PostId(int(request[QUERY]["postId"]))
        found = await self._explanations.explain(current_principal(request).user_id, post_id)
        return serializers.json_response(
            {
                "postId": str(found.post_id),
                "inExplore": found.in_explore,
                "reason": found.reason,
                "detail": found.detail,
                "rank": found.rank,
                "likesCount": found.likes_count,
                "commentsCount": found.comments_count,
                "engagement": found.engagement,
                "ageHours": found.age_hours,
                "score": found.score,
                "lowestScore": found.lowest_score,
                "rankedAt": None if found.ranked_at_ms is None else isoformat(found.ranked_at_ms),
            }
        )
