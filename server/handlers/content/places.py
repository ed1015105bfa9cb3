"""The place in the bodies of posts: an id, or a name with a position from the client's geocoder."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from server.handlers.fields import Id, Number, RequestSchema, Text
from server.ids import PlaceId
from server.services.content.limits import MAX_PLACE_NAME
from server.services.content.places import ChosenPlace, NewPlace
from server.user_text import clean_line


class PlaceName(Text):
    """A name on one line with a visible character."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = clean_line(super()._deserialize(value, attr, data, **kwargs))
        validate.Length(1, MAX_PLACE_NAME)(text)
        return text


class PlaceBody(RequestSchema):
    """A place; the same name within 500 m is the same place."""

    name = PlaceName(minimum=1, maximum=MAX_PLACE_NAME, required=True)
    lat = Number(-90, 90, required=True)
    lng = Number(-180, 180, required=True)


def place_id_field(**options: Any) -> Any:
    return Id(metadata={"description": "A place of `GET /places`, in place of `place`."}, **options)


def place_field(**options: Any) -> Any:
    return fields.Nested(
        PlaceBody,
        metadata={"description": "Where the images were taken. Their metadata are not used."},
        **options,
    )


def check_place(body: Mapping[str, Any]) -> None:
    """Raise ValidationError for a body with a place and a place id."""
    if body.get("place") is not None and "placeId" in body:
        raise ValidationError("Either place or placeId.", "placeId")


def place_in(body: Mapping[str, Any]) -> ChosenPlace | None:
    """Return the place in a validated body; None if it has none."""
    if "placeId" in body:
        return PlaceId(int(body["placeId"]))
    place = body.get("place")
    return None if place is None else NewPlace(place["name"], place["lat"], place["lng"])


def refuse_place(body: Mapping[str, Any]) -> None:
    """Raise ValidationError for the place of a draft, which does not keep it."""
    for member in ("place", "placeId"):
        if body.get(member) is not None:
            raise ValidationError("A draft has no place: send it when you publish the draft.", member)
