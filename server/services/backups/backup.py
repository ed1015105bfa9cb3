"""Makes a backup of an installation while it runs: all tables in one snapshot, then the pictures, then the secrets.

The order matters: every picture that a row of the snapshot refers to was stored before it. A post that is deleted while
its pictures are copied may lose them in the backup.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson

from server.errors import ConfigurationError, NotFound
from server.gateways.media import MediaStore
from server.models.database import DatabaseParameters
from server.models.schema.table_copy import (
    Row,
    TableReader,
    open_reader,
    read_installation_id,
    read_schema_number,
)
from server.services.backups.manifest import (
    FORMAT,
    MEDIA_LIST,
    SECRETS,
    Manifest,
    OnProgress,
    StoredPicture,
    hash_file,
)


async def write_backup(
    folder: Path,
    where: DatabaseParameters,
    media: MediaStore | None,
    secrets: Mapping[str, str],
    version: str,
    on_progress: OnProgress,
) -> Manifest:
    """Write a backup to `folder`, which must not exist, and return its manifest; without `media` no pictures.

    Until it is complete it is called `folder.unfinished`. Raises ConfigurationError and Unavailable.
    """
    draft = folder.with_name(f"{folder.name}.unfinished")
    for each in (folder, draft):
        if each.exists():
            raise ConfigurationError(f"{each} exists: name a new folder, or delete it.")
    try:
        (draft / "tables").mkdir(parents=True)
        (draft / "media").mkdir()
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write to {draft} ({error.strerror}): name another folder."
        ) from error
    files: dict[str, str] = {}
    async with open_reader(where) as reader:
        schema = await read_schema_number(reader)
        installation = await read_installation_id(reader)
        tables = await _write_tables(draft, reader, files, on_progress)
    pictures = await _write_pictures(draft, media, on_progress) if media else _no_pictures(draft)
    (draft / SECRETS).write_bytes(orjson.dumps(dict(secrets)))
    for name in (MEDIA_LIST, SECRETS):
        files[name] = hash_file(draft / name)
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(FORMAT, created_at, version, schema, installation, tables, pictures, files)
    manifest.write(draft)
    draft.rename(folder)
    return manifest


async def _write_tables(
    folder: Path, reader: TableReader, files: dict[str, str], on_progress: OnProgress
) -> dict[str, int]:
    counts: dict[str, int] = {}
    columns = await reader.list_columns()
    for done, (table, names) in enumerate(columns.items()):
        on_progress("tables", done, len(columns))
        digest, counts[table] = hashlib.sha256(), 0
        with (folder / "tables" / f"{table}.jsonl").open("wb") as file:
            header = orjson.dumps(names) + b"\n"
            digest.update(header)
            file.write(header)
            async for rows in reader.batches(table, names):
                lines = b"".join(map(_line, rows))
                digest.update(lines)
                await asyncio.to_thread(file.write, lines)
                counts[table] += len(rows)
        files[f"tables/{table}.jsonl"] = digest.hexdigest()
    return counts


def _line(row: Row) -> bytes:
    return (
        orjson.dumps([{"hex": value.hex()} if isinstance(value, bytes) else value for value in row]) + b"\n"
    )


def _no_pictures(folder: Path) -> int:
    (folder / MEDIA_LIST).touch()
    return 0


async def _write_pictures(folder: Path, media: MediaStore, on_progress: OnProgress) -> int:
    count = 0
    with (folder / MEDIA_LIST).open("wb") as listing:
        async for entry in media.list():
            on_progress("pictures", count, 0)
            path = folder / "media" / entry.key
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                await media.save(entry.key, path)
            except NotFound:  # deleted since it was listed
                path.unlink(missing_ok=True)
                continue
            line = StoredPicture(entry.key, path.stat().st_size, await asyncio.to_thread(hash_file, path))
            listing.write(orjson.dumps(line) + b"\n")
            count += 1
    return count
