"""Writes the contents of an export: data files, posts, and pictures."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson

from server.clock import isoformat
from server.errors import NotFound
from server.ids import PostId, UserId, id_timestamp_ms
from server.models.content.drafts import DraftRow
from server.models.content.places import PlaceRow
from server.models.content.post_images import PostImageRepository, PostImageRow
from server.models.portability.data_files import DATA_FILES, PROFILE
from server.models.portability.personal_data import OwnPostRow, PersonalDataRepository
from server.services.content.limits import POSITION_SCALE
from server.services.content.mentions import hashtags_in
from server.services.content.places import to_place
from server.services.portability.archive_format import (
    ARCHIVED,
    AVATAR,
    DRAFTS,
    FORMAT,
    MANIFEST,
    PICTURES,
    POSTS,
    PUBLISHED,
    README,
    README_TEXT,
    TAKEN_DOWN,
    UNUSED_MEDIA,
    VERSION,
    entry_of,
)
from server.services.portability.archive_writer import ArchiveWriter
from server.services.portability.exported_pictures import ExportedPictures, describe_picture

POSTS_PER_PAGE = 50

# Called after each picture.
Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ExportedAccount:
    """The account that an archive is about; `origin` is the address of the service."""

    user_id: UserId
    username: str
    origin: str
    created_at_ms: int


class ExportedContents:
    """`work_dir` holds the list of posts until their pictures are written: a ZIP has one open entry at a time."""

    def __init__(
        self,
        data: PersonalDataRepository,
        images: PostImageRepository,
        pictures: ExportedPictures,
        work_dir: Path,
    ) -> None:
        self._work_dir = work_dir
        self._data = data
        self._images = images
        self._pictures = pictures

    async def find_username(self, user_id: UserId) -> str:
        """Return the name of the user. Raises NotFound if the account was erased."""
        username = await self._data.find_username(user_id)
        if username is None:
            raise NotFound("User not found.")
        return username

    async def count_pictures(self, user_id: UserId) -> int:
        return await self._data.count_pictures(user_id)

    async def write(self, archive: ArchiveWriter, account: ExportedAccount, step: Step) -> None:
        """Write all entries; the manifest is the last one, so that an archive with it is complete."""
        user_id = account.user_id
        created = isoformat(account.created_at_ms)
        await archive.add_text(README, README_TEXT.format(username=account.username, created=created))
        counts: dict[str, int] = {}
        for file in DATA_FILES:
            name = entry_of(file.name)
            if file is PROFILE:
                await self._write_profile(archive, user_id, name)
                continue
            counts[name] = await archive.add_list(name, self._data.pages(file, user_id))
        counts[DRAFTS] = await self._write_drafts(archive, user_id, step)
        counts[UNUSED_MEDIA] = await self._write_unused_media(archive, user_id, step)
        counts[POSTS] = await self._write_posts(archive, user_id, step)
        await archive.add_json(
            MANIFEST,
            {
                "format": FORMAT,
                "version": VERSION,
                "createdAt": created,
                "origin": account.origin,
                "user": {"id": str(user_id), "username": account.username},
                "counts": counts,
            },
        )

    async def _write_profile(self, archive: ArchiveWriter, user_id: UserId, name: str) -> None:
        profile: dict[str, Any] = {}
        async for (found,) in self._data.pages(PROFILE, user_id):
            profile = found
        avatar_key = await self._data.get_avatar_key(user_id)
        avatar = await self._pictures.add(archive, avatar_key, AVATAR) if avatar_key else None
        await archive.add_json(name, {**profile, "avatar": avatar.file if avatar else None})

    async def _write_unused_media(self, archive: ArchiveWriter, user_id: UserId, step: Step) -> int:
        objects: list[dict[str, Any]] = []
        for row in await self._data.list_unused_media(user_id):
            if row.picture is None:
                continue
            name = f"{PICTURES}/unused/{row.id}"
            picture = await self._pictures.add(archive, row.picture.media_key, name)
            described = describe_picture(row.picture, picture, row.alt_text)
            uploaded_at = isoformat(id_timestamp_ms(row.id))
            objects.append({"id": str(row.id), "uploadedAt": uploaded_at, **described})
            await step()
        await archive.add_json(UNUSED_MEDIA, objects)
        return len(objects)

    async def _write_drafts(self, archive: ArchiveWriter, user_id: UserId, step: Step) -> int:
        objects: list[dict[str, Any]] = []
        for row in await self._data.list_drafts(user_id):
            media: list[dict[str, object]] = []
            for number, each in enumerate(await self._data.list_draft_media(row.id), start=1):
                if each.picture is None:
                    continue
                name = f"{PICTURES}/drafts/{row.id}-{number}"
                picture = await self._pictures.add(archive, each.picture.media_key, name)
                media.append(describe_picture(each.picture, picture, each.alt_text))
                await step()
            objects.append(_draft(row, media))
        await archive.add_json(DRAFTS, objects)
        return len(objects)

    async def _write_posts(self, archive: ArchiveWriter, user_id: UserId, step: Step) -> int:
        with tempfile.TemporaryFile(dir=self._work_dir) as lines:
            after = PostId(0)
            while rows := await self._data.list_posts(user_id, after, POSTS_PER_PAGE):
                images = await self._images.list_by_posts([row.id for row in rows])
                for row in rows:
                    own = [image for image in images if image.post_id == row.id]
                    post = await self._post(archive, row, own, step)
                    lines.write(orjson.dumps(post) + b"\n")
                after = rows[-1].id
            lines.seek(0)
            return await archive.add_list(POSTS, _read_lines(lines))

    async def _post(
        self, archive: ArchiveWriter, row: OwnPostRow, images: Sequence[PostImageRow], step: Step
    ) -> dict[str, Any]:
        """Write the pictures of a post, and return its object."""
        media: list[dict[str, object]] = []
        for number, image in enumerate(images, start=1):
            name = f"{PICTURES}/posts/{row.id}-{number}"
            picture = await self._pictures.add(archive, image.media_key, name)
            tags = [
                {"userId": str(user_id), "x": x / POSITION_SCALE, "y": y / POSITION_SCALE}
                for user_id, x, y in image.tags
            ]
            media.append({**describe_picture(image, picture, image.alt_text), "tags": tags})
            await step()
        return {
            "id": str(row.id),
            "status": TAKEN_DOWN if row.taken_down else ARCHIVED if row.archived else PUBLISHED,
            "audience": row.audience,
            "commentsEnabled": row.options.comments_enabled,
            "hideLikeCount": row.options.like_count_hidden,
            "caption": row.caption,
            "place": None if row.place is None else _place(row.place),
            "hashtags": hashtags_in(row.caption),
            "mentions": {name: str(user_id) for name, user_id in row.mentions.items()},
            "createdAt": isoformat(row.created_at_ms),
            "editedAt": None if row.edited_at_ms is None else isoformat(row.edited_at_ms),
            "likesCount": row.likes_count,
            "commentsCount": row.comments_count,
            "media": media,
        }


def _draft(row: DraftRow, media: list[dict[str, object]]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "audience": row.audience,
        "commentsEnabled": row.options.comments_enabled,
        "hideLikeCount": row.options.like_count_hidden,
        "caption": row.caption,
        "createdAt": isoformat(id_timestamp_ms(row.id)),
        "editedAt": None if row.edited_at_ms is None else isoformat(row.edited_at_ms),
        "publishAt": None if row.publish_at_ms is None else isoformat(row.publish_at_ms),
        "media": media,
    }


def _place(row: PlaceRow) -> dict[str, object]:
    place = to_place(row)
    return {"name": place.name, "lat": place.lat, "lng": place.lng}


async def _read_lines(file: IO[bytes]) -> AsyncIterator[list[Any]]:
    def read() -> list[Any]:
        return [orjson.loads(line) for line in islice(file, POSTS_PER_PAGE)]

    while page := await asyncio.to_thread(read):
        yield page
