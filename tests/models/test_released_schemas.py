"""Data of every released schema survive the upgrade to the newest one, and the way back."""

import json
from typing import Any

import pytest

from server.models.database import Database
from server.models.migrations import Migrations
from tests.support.schemas import FOLDER, opened, schema_of
from tools.harness.backends import Stack

RELEASES: dict[str, int] = json.loads((FOLDER / "releases.json").read_text())
# Rows of the first release; later ones have more columns, with defaults.
USER = {
    "password_hash": "x", "password_changed_at_ms": 1, "full_name": "Ana Ä 🙂", "bio": "", "website": "",
    "avatar_key": "", "role": "user", "posts_count": 1, "followers_count": 1, "following_count": 0, "created_at_ms": 5,
}  # fmt: skip
ROWS: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"id": number, "username": name, "username_key": name, "email": f"{name}@example.com",
         "email_key": f"{name}@example.com", **USER}
        for number, name in ((1, "ana"), (2, "ben"))
    ],
    "posts": [{"id": 10, "author_id": 1, "caption": "It's; a 'post'", "likes_count": 1, "comments_count": 1}],
    "post_images": [
        {"id": 11, "post_id": 10, "position": 0, "media_key": "posts/1", "width": 4, "height": 3, "blurhash": "b",
         "alt_text": "", "variants": "[]"}
    ],
    "comments": [{"id": 12, "post_id": 10, "author_id": 2, "content": "Nice", "replies_count": 0}],
    "likes": [{"id": 13, "post_id": 10, "user_id": 2}],
    "follows": [{"id": 14, "follower_id": 2, "followee_id": 1}],
    "inboxes": [{"user_id": 1, "last_sequence": 1}],
    "notifications": [
        {"id": 15, "recipient_id": 1, "sequence": 1, "type": "like", "actor_id": 2, "target_id": 10, "post_id": 10,
         "created_at_ms": 6}
    ],
}  # fmt: skip


async def stored(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return the rows, with the columns that the first release has."""
    return {
        table: await database.rows(f"SELECT {', '.join(rows[0])} FROM {table} ORDER BY {next(iter(rows[0]))}")
        for table, rows in ROWS.items()
    }


@pytest.mark.parametrize("release", RELEASES)
async def test_data_of_a_release_survive_both_ways(stack: Stack, release: str) -> None:
    async with opened(stack.database_parameters()) as database:
        migrations = Migrations(database, FOLDER)
        await migrations.upgrade(until=RELEASES[release])
        before = await schema_of(database)
        for table, rows in ROWS.items():
            for row in rows:
                marks = ", ".join("?" * len(row))
                await database.execute(
                    f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
                )
        newest = await migrations.newest()
        assert newest == RELEASES[release]
        applied = await migrations.upgrade()
        assert await stored(database) == ROWS
        await migrations.downgrade(await migrations.reversible(str(len(applied))))
        assert await stored(database) == ROWS
        assert await schema_of(database) == before
