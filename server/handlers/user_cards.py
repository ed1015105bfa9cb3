"""User cards: their schema and their JSON."""

from functools import lru_cache
from typing import Any

import orjson
from marshmallow import Schema, fields

from server.handlers.fields import Count, Id, Url
from server.services.content.sources import avatar_sources
from server.services.records import RelatedUser, Relationship, Source, UserCard


class ImageSourceSchema(Schema):
    """A rendition of an image, for `srcset`."""

    url = Url(required=True)
    width = Count(required=True)
    height = Count(required=True)
    type = fields.String(required=True, metadata={"examples": ["image/jpeg"]})


class UserCardSchema(Schema):
    id = Id(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    avatarUrl = Url(required=True, allow_none=True)
    avatarSources = fields.List(
        fields.Nested(ImageSourceSchema), required=True, metadata={"description": "Empty without an avatar."}
    )
    isCelebrity = fields.Boolean(required=True)


class RelationshipSchema(Schema):
    """Your relationship to a user."""

    following = fields.Boolean(required=True)
    requested = fields.Boolean(
        required=True, metadata={"description": "You asked to follow this private account."}
    )
    followedBy = fields.Boolean(required=True)
    blocking = fields.Boolean(required=True)
    muting = fields.Boolean(required=True)


class RelatedUserSchema(UserCardSchema):
    relationship = fields.Nested(RelationshipSchema, required=True)


def user_card(card: UserCard) -> dict[str, Any]:
    return {
        "id": str(card.id),
        "username": card.username,
        "fullName": card.full_name,
        "avatarUrl": card.avatar_url,
        "avatarSources": avatar_sources_of(card.avatar_url),
        "isCelebrity": card.is_celebrity,
    }


def avatar_sources_of(avatar_url: str | None) -> list[dict[str, Any]]:
    return [source_of_image(source) for source in avatar_sources(avatar_url)] if avatar_url else []


def source_of_image(source: Source) -> dict[str, Any]:
    return {"url": source.url, "width": source.width, "height": source.height, "type": source.type}


def related_user(user: RelatedUser) -> dict[str, Any]:
    return related_card(user.card, user.relationship)


@lru_cache(maxsize=8192)
def related_user_json(user: RelatedUser) -> orjson.Fragment:
    """Return a user as `related_user` renders it, as JSON. Searches show the same users again and again."""
    return orjson.Fragment(orjson.dumps(related_user(user)))


def related_card(card: UserCard, related: Relationship) -> dict[str, Any]:
    return {**user_card(card), "relationship": relationship(related)}


def relationship(record: Relationship) -> dict[str, bool]:
    return {
        "following": record.following,
        "requested": record.requested,
        "followedBy": record.followed_by,
        "blocking": record.blocking,
        "muting": record.muting,
    }
