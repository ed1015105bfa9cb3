"""User cards: their schema and their JSON."""

from typing import Any

from marshmallow import Schema, fields

from server.handlers.fields import Id, Url
from server.services.records import UserCard


class UserCardSchema(Schema):
    id = Id(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    avatarUrl = Url(required=True, allow_none=True)
    isCelebrity = fields.Boolean(required=True)


def user_card(card: UserCard) -> dict[str, Any]:
    return {
        "id": str(card.id),
        "username": card.username,
        "fullName": card.full_name,
        "avatarUrl": card.avatar_url,
        "isCelebrity": card.is_celebrity,
    }
