"""Restores a backup into an empty installation. A restore that was cut off can be run again.

SQLite is restored into a file beside the database, which is renamed at the end. In MySQL the row of `schema_state`
names the restore until it is complete; no process starts on such a database, and the same restore fills it again.
"""

import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from server.epoch import DatabaseEpoch
from server.errors import ConfigurationError
from server.gateways.media import MediaStore
from server.models.database import Database, DatabaseParameters
from server.models.jobs.installation import InstallationRepository
from server.models.migrations import RESTORE, Migrations
from server.models.notifications.inboxes import InboxRepository
from server.models.schema.migration_file import number_of
from server.models.schema.table_copy import ROWS_PER_BATCH, count_rows, has_users, open_writer
from server.services.backups.manifest import Manifest, OnProgress, read_pictures
from server.services.backups.media_copy import put_copy, read_id
from server.services.jobs.epochs import Epochs

ID_BYTES = 12


class Restore:
    """The restore of a verified backup in `folder` to a database and a media store.

    `as_copy` gives the result a new id, so that it never shares a media store with the installation of the backup.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        where: DatabaseParameters,
        migrations: Path,
        *,
        as_copy: bool = False,
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._where = where
        self._migrations = migrations
        self._as_copy = as_copy
        self._mark = f"{RESTORE}{manifest.installation}"

    async def check_target(self, media: MediaStore | None) -> None:
        """Raise ConfigurationError, before anything is changed, if the backup cannot be restored here."""
        if self._where.file is None or self._where.file.exists():
            async with _opened(self._where) as database:
                known = Migrations(database, self._migrations).known()
                await self._check_empty(database)
        else:
            known = Migrations(Database(self._where), self._migrations).known()
        if self._manifest.schema > number_of(known[-1]):
            raise ConfigurationError(
                f"The backup is of a newer version ({self._manifest.version}, schema {self._manifest.schema}): restore"
                " it with that version."
            )
        found = await read_id(media) if media else None
        if media and found and (self._as_copy or found != self._manifest.installation):
            raise ConfigurationError(
                f"The media store at {media.location} belongs to another installation ({found}): set UPLOAD_DEST or"
                " MEDIA_URL to an empty one."
            )

    async def restore_media(self, media: MediaStore, on_progress: OnProgress) -> None:
        """Store the pictures that are missing. Before the rows, so that no post lacks a picture."""
        present = {entry.key: entry.size async for entry in media.list()}
        for done, picture in enumerate(read_pictures(self._folder)):
            on_progress("pictures", done, self._manifest.pictures)
            if present.get(picture.key) != picture.size:
                await put_copy(media, picture.key, self._folder / "media" / picture.key)

    async def restore_database(self, on_progress: OnProgress) -> str:
        """Fill the database, begin a new epoch, and return the id that its media store must have."""
        if self._where.file is None:
            return await self._fill(self._where, on_progress)
        draft = self._where.file.with_name(f"{self._where.file.name}.restoring")
        _delete(draft, "", "-wal", "-shm")
        installation = await self._fill(replace(self._where, file=draft), on_progress)
        _delete(self._where.file, "-wal", "-shm")
        draft.rename(self._where.file)
        return installation

    async def _check_empty(self, database: Database) -> None:
        if (
            await has_users(database)
            and await Migrations(database, self._migrations).interrupted() != self._mark
        ):
            where = self._where.file or f"{self._where.name} at {self._where.host}"
            raise ConfigurationError(f"The database {where} is not empty: restore into an empty one.")

    async def _fill(self, where: DatabaseParameters, on_progress: OnProgress) -> str:
        async with _opened(where) as database:
            migrations = Migrations(database, self._migrations)
            if await migrations.interrupted() != self._mark:
                await migrations.upgrade(until=self._manifest.schema)
                await migrations.mark(self._mark)
        async with open_writer(where) as writer:
            for done, table in enumerate(self._manifest.tables):
                on_progress("tables", done, len(self._manifest.tables))
                await writer.clear(table)
                columns, batches = read_table(self._folder / "tables" / f"{table}.jsonl")
                for rows in batches:
                    await writer.insert(table, columns, rows)
        async with _opened(where) as database:
            await self._compare_counts(database)
            migrations = Migrations(database, self._migrations)
            await migrations.mark("")
            await migrations.upgrade()
            return await self._identify(database)

    async def _compare_counts(self, database: Database) -> None:
        for table, expected in self._manifest.tables.items():
            found = await count_rows(database, table)  # the manifest was checked for its names
            if found != expected:
                raise ConfigurationError(
                    f"Restored {found} of {expected} rows of {table}: run the same restore again."
                )

    async def _identify(self, database: Database) -> str:
        installation = InstallationRepository(database)
        await Epochs(installation, InboxRepository(database), DatabaseEpoch()).begin()
        if self._as_copy:
            await installation.replace_media_store_id(secrets.token_hex(ID_BYTES))
        return await installation.get_media_store_id()


def read_table(path: Path) -> tuple[list[str], Iterator[list[list[Any]]]]:
    """Return the columns of a table in a backup, and its rows in batches."""
    with path.open("rb") as lines:
        columns: list[str] = orjson.loads(lines.readline())

    def batches() -> Iterator[list[list[Any]]]:
        with path.open("rb") as lines:
            lines.readline()
            batch: list[list[Any]] = []
            for line in lines:
                row: list[Any] = orjson.loads(line)
                batch.append(
                    [bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for value in row]
                )
                if len(batch) == ROWS_PER_BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch

    return columns, batches()


def _delete(file: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)


@asynccontextmanager
async def _opened(where: DatabaseParameters) -> AsyncGenerator[Database]:
    database = Database(where)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
