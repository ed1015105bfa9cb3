"""Checks at startup that the media store is the one that belongs to the database.

Otherwise processes on several hosts could each use a folder of their own: pictures would be missing on some hosts, and
deleted ones would stay on the others.
"""

import asyncio
import secrets

from server.errors import ConfigurationError
from server.gateways.media import MARKER, MediaStore
from server.models.content.media_keys import MediaKeyRepository
from server.models.jobs.installation import InstallationRepository

FOLDERS = ("posts", "avatars")
SAMPLE = 20
ID_BYTES = 12


class MediaStoreCheck:
    """Comparison of the ids in the database and in the store, which the first process creates.

    `single_host` says that no other host can use this database. A store without an id is accepted if it has the newest
    pictures of the database: it is from an older version, or a copy.
    """

    def __init__(
        self,
        media: MediaStore,
        installation: InstallationRepository,
        media_keys: MediaKeyRepository,
        *,
        single_host: bool,
    ) -> None:
        self._media = media
        self._installation = installation
        self._media_keys = media_keys
        self._single_host = single_host

    async def run(self) -> None:
        """Set the store's expected id. Raises ConfigurationError for another store, and Unavailable."""
        expected = await self._installation.get_media_store_id()
        found = await self._media.read_id()
        if found is None:
            await self._adopt(expected)
        elif not expected:
            await self._accept(found)
        expected = await self._installation.get_media_store_id()
        found = await self._media.read_id()
        if found != expected:
            raise self._refusal(f"has the id {found}, but this database expects {expected}")
        self._media.expected_id = expected

    async def _adopt(self, expected: str) -> None:
        """Give an id to a store that has none: first the store, then the database.

        Of two processes with different stores, only one succeeds in the second step.
        """
        store_id = expected or secrets.token_hex(ID_BYTES)
        advice = f" If it is the right one, write {store_id} into {MARKER} there."
        sample = await self._media_keys.list_newest(SAMPLE)
        if sample:
            if missing := len(sample) - await self._count_stored(sample):
                raise self._refusal(f"lacks {missing} of the {len(sample)} newest pictures", advice)
        elif not await self._is_empty():
            raise self._refusal("has pictures, but this database has none", advice)
        elif expected and not self._single_host:
            raise self._refusal(f"has no id, but this database expects {expected}", advice)
        await self._media.create_id(store_id)
        if not expected:
            await self._accept(await self._media.read_id() or store_id)

    async def _accept(self, found: str) -> None:
        """Enter the id of a store into a database that has none: a new one, or one restored from an old dump."""
        sample = await self._media_keys.list_newest(SAMPLE)
        if not await self._count_stored(sample) and not await self._is_empty():
            raise self._refusal(f"has the id {found}, and pictures, but none of this database")
        await self._installation.set_media_store_id(found)

    async def _count_stored(self, media_keys: list[str]) -> int:
        return sum(await asyncio.gather(*map(self._is_stored, media_keys)))

    async def _is_stored(self, media_key: str) -> bool:
        async for _ in self._media.list(media_key):
            return True
        return False

    async def _is_empty(self) -> bool:
        return not await self._count_stored(list(FOLDERS))

    def _refusal(self, state: str, advice: str = "") -> ConfigurationError:
        return ConfigurationError(
            f"The media store at {self._media.location} {state}: set UPLOAD_DEST or MEDIA_URL to the store that all"
            f" processes share.{advice}"
        )
