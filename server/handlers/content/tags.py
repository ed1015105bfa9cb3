"""`/posts/{postId}/tags`, `/tags/*`, `/users/{userId}/tagged`: users in pictures, with their consent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers import serializers
from server.handlers.fields import Id, Number, RequestSchema, StrictBoolean
from server.handlers.http.operations import Rate, Reply, operation, partial_update
from server.handlers.http.requests import (
    BODY,
    current_principal,
    page_request,
    path_id,
    path_user,
)
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PageQuery, PostSchema, TagSchema, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.ids import PostId, UserId
from server.services.content.limits import MAX_TAGS, POSITION_SCALE
from server.services.content.tags import ShownTag, Tags
from server.services.people.user_lookup import UserLookup
from server.services.records import Tag, TagPermission, TagSettings


class TagBody(RequestSchema):
    """A user to tag in an image."""

    userId = Id(required=True)
    x = Number(0, 1, required=True, metadata={"description": "From the left edge, 0, to the right, 1."})
    y = Number(0, 1, required=True, metadata={"description": "From the upper edge, 0, to the lower, 1."})


def validate_unique_users(tags: list[dict[str, Any]]) -> None:
    if len({int(each["userId"]) for each in tags}) < len(tags):
        raise ValidationError("Must not have the same user twice.")


def tags_field(description: str) -> Any:
    """Return the field for the tags of an image."""
    return fields.List(
        fields.Nested(TagBody),
        validate=[validate.Length(max=MAX_TAGS), validate_unique_users],
        metadata={"description": description},
    )


def refuse_tags(body: Mapping[str, Any]) -> None:
    """Raise ValidationError for tags in the `media` of a draft, which does not keep them."""
    if any(each.get("tags") for each in body.get("media", ())):
        raise ValidationError("A draft has no tags: send them when you publish it.", "media")


def tags_of(body: Mapping[str, Any]) -> list[Tag]:
    """Return the tags in a validated image."""
    return [
        Tag(UserId(int(each["userId"])), *(round(each[axis] * POSITION_SCALE) for axis in ("x", "y")))
        for each in body["tags"]
    ]


class ShownTagSchema(TagSchema):
    imageId = Id(required=True)
    user = fields.Nested(RelatedUserSchema, required=True)
    pending = fields.Boolean(
        required=True,
        metadata={"description": "The user has not approved the tag; the author and the user alone see it."},
    )


class ShownTagListSchema(Schema):
    items = fields.List(fields.Nested(ShownTagSchema), required=True)


class TagSettingsSchema(Schema):
    allowedFrom = fields.Enum(TagPermission, by_value=fields.String, required=True)
    manualApproval = fields.Boolean(required=True)


class TagSettingsBody(RequestSchema):
    allowedFrom = fields.Enum(
        TagPermission,
        by_value=fields.String,
        metadata={"description": "Who may tag you: everyone, the users that you follow, or no one."},
    )
    manualApproval = StrictBoolean(
        metadata={"description": "Whether others see a tag of you only after you approved it."}
    )

    keywords = MappingProxyType({"minProperties": 1})

    @validates_schema
    def _require_change(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Required: allowedFrom or manualApproval.", "allowedFrom")


class TagRoutes:
    def __init__(self, tags: Tags, users: UserLookup, rendered: PostSerializer) -> None:
        self._tags = tags
        self._users = users
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/posts/{postId}/tags", self.list_tags),
            web.delete("/posts/{postId}/tags", self.remove_own_tags),
            web.post("/posts/{postId}/tags/approve", self.approve_own_tags),
            web.get("/users/{userId}/tagged", self.list_tagged_posts),
            web.get("/tags/pending", self.list_pending_tags),
            web.get("/tags/settings", self.get_tag_settings),
            *partial_update("/tags/settings", self.change_tag_settings),
        ]

    @operation(
        "listTags",
        "Get the users who are tagged in the images of a post",
        tag="tags",
        description="Users that you cannot see are left out. The author and the tagged user also get pending tags.",
        responds={200: ShownTagListSchema},
        refuses={404: "Post not found"},
        rates=(Rate.READS,),
    )
    async def list_tags(self, request: web.Request) -> web.Response:
        tags = await self._tags.list_by_post(current_principal(request).user_id, _post_id(request))
        return serializers.json_response({"items": [_shown(each) for each in tags]})

    @operation(
        "removeOwnTags",
        "Remove yourself from the images of a post",
        tag="tags",
        description="The author cannot tag you in these images again.",
        responds={204: Reply("You are no longer tagged")},
        refuses={404: "You are not tagged in such a post"},
        rates=(Rate.WRITES,),
    )
    async def remove_own_tags(self, request: web.Request) -> web.Response:
        await self._tags.remove(current_principal(request).user_id, _post_id(request))
        return web.Response(status=204)

    @operation(
        "approveOwnTags",
        "Approve the tags of you in a post, so that others see them",
        tag="tags",
        description="Until then, the author and you alone see them. A second time changes nothing.",
        responds={204: Reply("Approved")},
        refuses={404: "You are not tagged in such a post"},
        rates=(Rate.WRITES,),
    )
    async def approve_own_tags(self, request: web.Request) -> web.Response:
        await self._tags.approve(current_principal(request).user_id, _post_id(request))
        return web.Response(status=204)

    @operation(
        "listTaggedPosts",
        "Get the posts in which a user is tagged that you may see, newest first",
        tag="tags",
        description="The list of a private account is empty for users who do not follow it.",
        query=PageQuery,
        responds={200: page_of(PostSchema)},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
    )
    async def list_tagged_posts(self, request: web.Request) -> web.Response:
        viewer_id, user = current_principal(request).user_id, path_user(request)
        user_id = await self._users.resolve(viewer_id, user) if isinstance(user, str) else user
        page = await self._tags.list_posts(viewer_id, user_id, page_request(request))
        return serializers.page_response(request, page, self._rendered.for_viewer(viewer_id))

    @operation(
        "listPendingTags",
        "Get the posts with tags of you that wait for your approval, newest first",
        tag="tags",
        description="`GET /posts/{postId}/tags` has the tags themselves.",
        query=PageQuery,
        responds={200: page_of(PostSchema)},
        rates=(Rate.READS,),
    )
    async def list_pending_tags(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        page = await self._tags.list_pending(user_id, page_request(request))
        return serializers.page_response(request, page, self._rendered.for_viewer(user_id))

    @operation(
        "getTagSettings",
        "Get who may tag you, and whether you approve each tag",
        tag="tags",
        description="Without a choice everyone may, and tags need no approval.",
        responds={200: TagSettingsSchema},
        rates=(Rate.READS,),
    )
    async def get_tag_settings(self, request: web.Request) -> web.Response:
        settings = await self._tags.get_settings(current_principal(request).user_id)
        return serializers.json_response(_settings(settings))

    @operation(
        "changeTagSettings",
        "Change who may tag you, and whether you approve each tag",
        tag="tags",
        description="Existing tags stay as they are. An omitted member stays unchanged; at least one is required.",
        body=TagSettingsBody,
        responds={200: TagSettingsSchema},
        rates=(Rate.WRITES,),
    )
    async def change_tag_settings(self, request: web.Request) -> web.Response:
        body, user_id = request[BODY], current_principal(request).user_id
        settings = await self._tags.change_settings(
            user_id, body.get("allowedFrom"), body.get("manualApproval")
        )
        return serializers.json_response(_settings(settings))


def _post_id(request: web.Request) -> PostId:
    return PostId(path_id(request, "postId"))


def _shown(each: ShownTag) -> dict[str, Any]:
    return {
        **serializers.tag(each.tag),
        "imageId": str(each.image_id),
        "user": related_user(each.user),
        "pending": each.pending,
    }


def _settings(settings: TagSettings) -> dict[str, Any]:
    return {"allowedFrom": settings.allowed_from, "manualApproval": settings.manual_approval}
