"""Columns and joins for what a notification `n` shows of its post and its comment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from server.models.content.post_images import PostImageRow
from server.models.content.visibility import public_posts

# The statement itself decides whether the recipient may see the post and the comment.
PREVIEW_COLUMNS = (
    "c.content AS comment_content, i.id AS image_id, i.media_key, i.width, i.height, i.blurhash, i.alt_text,"
    f" i.variants, ({public_posts('shown').sql}) AS is_public_post"
)
PREVIEW_JOINS = (
    " LEFT JOIN comments c ON c.id = n.comment_id LEFT JOIN posts shown ON shown.id = n.post_id"
    " LEFT JOIN post_images i ON i.post_id = n.post_id AND i.position ="
    " (SELECT MIN(first.position) FROM post_images first WHERE first.post_id = n.post_id)"
)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """The first image of the post and the text of the comment; `is_public`: everybody may see the post."""

    image: PostImageRow | None
    is_public: bool
    comment_content: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "PreviewRow":
        return cls(
            None if row["media_key"] is None else _image(row),
            bool(row["is_public_post"]),
            row["comment_content"],
        )


def _image(row: Mapping[str, Any]) -> PostImageRow:
    return PostImageRow(
        row["image_id"],
        row["post_id"],
        row["media_key"],
        row["width"],
        row["height"],
        row["blurhash"],
        row["alt_text"],
        tuple(orjson.loads(row["variants"])),
    )
