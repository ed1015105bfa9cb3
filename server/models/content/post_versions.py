"""Table `post_versions`: what posts showed before they were edited."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import MediaId, PostId, VersionId
from server.models.audience import Audience
from server.models.conditions import Condition
from server.models.database import Database


class PostVersionTable(Model):
    """`images` is a JSON list of pairs: the id of each picture in order, and its alt text.

    The id contains the time of the edit that replaced the version. `audience` is the one that it was shown to.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    caption = fields.TextField()
    images = fields.TextField()
    audience = fields.CharField(max_length=16)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "post_versions"
        indexes = (("post_id", "id"),)


@dataclass(frozen=True, slots=True)
class PostVersionRow:
    """`alt_texts` has the alt texts by the ids of the pictures, in order."""

    id: VersionId
    caption: str
    alt_texts: Mapping[MediaId, str]


class PostVersionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, post_id: PostId, version: PostVersionRow, audience: Audience) -> None:
        await PostVersionTable.create(
            id=version.id,
            post_id=post_id,
            caption=version.caption,
            images=orjson.dumps([*version.alt_texts.items()]).decode(),
            audience=audience,
        )

    async def list_by_post(
        self, post_id: PostId, visible: Condition, before_id: int, limit: int
    ) -> list[PostVersionRow]:
        """Return versions `v` of the post `p` that satisfy `visible`, newest first."""
        rows = await self._database.rows(
            "SELECT v.id, v.caption, v.images FROM post_versions v JOIN posts p ON p.id = v.post_id"
            f" WHERE v.post_id = ? AND v.id < ? AND {visible.sql} ORDER BY v.id DESC LIMIT ?",
            [post_id, before_id, *visible.parameters, limit],
        )
        return [
            PostVersionRow(VersionId(row["id"]), row["caption"], dict(orjson.loads(row["images"])))
            for row in rows
        ]
