"""Drafts as the routes of posts take and return them: the status of a post, and when it is to be published."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from server.errors import InvalidInput
from server.handlers.fields import Time
from server.handlers.http.bodies.multipart import Form
from server.services.records import PostStatus

MAX_TEXT = 100
UNPUBLISHED = (PostStatus.DRAFT, PostStatus.SCHEDULED)


def status_field(*statuses: PostStatus, description: str) -> Any:
    return fields.String(
        validate=validate.OneOf([str(status) for status in statuses]), metadata={"description": description}
    )


def new_status_field() -> Any:
    return status_field(
        *UNPUBLISHED,
        PostStatus.PUBLISHED,
        description="Default: `scheduled` with `publishAt`, otherwise `published`. Only you see the others.",
    )


def publish_at_field(**options: Any) -> Any:
    return Time(
        metadata={"description": "When the post is to be published, within a year."},
        **options,
    )


def chosen_status(data: Mapping[str, Any]) -> PostStatus | None:
    """Return the status that a body asks for, also by its `publishAt` alone; None if it has neither.

    Raises ValidationError if the two do not fit.
    """
    status = PostStatus(data["status"]) if "status" in data else None
    if "publishAt" not in data:
        if status is PostStatus.SCHEDULED:
            raise ValidationError("Required with this status.", "publishAt")
        return status
    by_time = PostStatus.DRAFT if data["publishAt"] is None else PostStatus.SCHEDULED
    if status not in (None, by_time):
        raise ValidationError(
            f"Only with the status {PostStatus.SCHEDULED}; null with {PostStatus.DRAFT}.", "publishAt"
        )
    return by_time


def schedule_in(form: Form) -> tuple[PostStatus, int | None]:
    """Return the status of a new post in a form, and its time if it is scheduled. Raises InvalidInput."""
    checks = {"status": new_status_field(), "publishAt": publish_at_field()}
    data: dict[str, Any] = {name: form.text(name, MAX_TEXT) for name in checks if name in form.texts}
    problems: dict[str, Any] = {}
    for name, text in list(data.items()):
        try:
            data[name] = checks[name].deserialize(text)
        except ValidationError as error:
            problems[name] = error.messages
    if not problems:
        try:
            return chosen_status(data) or PostStatus.PUBLISHED, data.get("publishAt")
        except ValidationError as error:
            problems[str(error.field_name)] = error.messages
    raise InvalidInput("Some values are invalid.", fields=problems)
