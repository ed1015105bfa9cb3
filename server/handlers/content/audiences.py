"""`/posts/{postId}/audience`: who sees a post, for its author."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.fields import Count, Id, RequestSchema, UserReference
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY, current_principal, path_id
from server.ids import PostId
from server.services.content.audiences import DETAILS, AudienceMember, Audiences, VisibleTo
from server.services.people.user_lookup import UserLookup
from server.services.records import Audience


class AudienceQuery(RequestSchema):
    userId = UserReference(metadata={"description": "Also explain whether this user sees the post."})


class AudienceMemberSchema(Schema):
    id = Id(required=True)
    visible = fields.Boolean(required=True)
    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in DETAILS]))
    detail = fields.String(required=True, metadata={"description": "The reason as a sentence."})


class PostAudienceSchema(Schema):
    postId = Id(required=True)
    audience = fields.Enum(Audience, by_value=fields.String, required=True)
    visibleTo = fields.Enum(
        VisibleTo,
        by_value=fields.String,
        required=True,
        metadata={"description": "Users you have blocked, or who have blocked you, do not see the post."},
    )
    peopleCount = Count(
        required=True,
        allow_none=True,
        metadata={"description": "Users besides you who see the post, up to 10,000; null for `everyone`."},
    )
    user = fields.Nested(
        AudienceMemberSchema, required=True, allow_none=True, metadata={"description": "Only with `userId`."}
    )


class AudienceRoutes:
    def __init__(self, audiences: Audiences, users: UserLookup) -> None:
        self._audiences = audiences
        self._users = users

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/posts/{postId}/audience", self.explain_audience)]

    @operation(
        "explainAudience",
        "Explain who sees your own post, and why a user does or does not",
        tag="posts",
        description="With an example of each reason, for the page on which the author chooses the audience.",
        query=AudienceQuery,
        responds={200: PostAudienceSchema},
        refuses={403: "Not your post", 404: "Post or user not found"},
        rates=(Rate.READS,),
    )
    async def explain_audience(self, request: web.Request) -> web.Response:
        author_id, post_id = current_principal(request).user_id, PostId(path_id(request, "postId"))
        user = request[QUERY].get("userId")
        user_id = None if user is None else await self._users.resolve(author_id, user)
        found = await self._audiences.explain(author_id, post_id, user_id)
        return serializers.json_response(
            {
                "postId": str(found.post_id),
                "audience": found.audience,
                "visibleTo": found.visible_to,
                "peopleCount": found.people_count,
                "user": None if found.member is None else _member(found.member),
            }
        )


def _member(member: AudienceMember) -> dict[str, Any]:
    return {
        "id": str(member.user_id),
        "visible": member.visible,
        "reason": member.reason,
        "detail": member.detail,
    }
