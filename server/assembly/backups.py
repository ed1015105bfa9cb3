"""Wires backups, restores and moves to the database, the media store and the secrets of the settings."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson
from pydantic import SecretStr

from server.assembly.claims import claimed_role, create_work_folder
from server.assembly.database import MIGRATIONS, database_parameters, existing_database
from server.errors import ConfigurationError
from server.gateways.media import MediaStore
from server.services.backups.backup import write_backup
from server.services.backups.manifest import SECRETS, Manifest, OnProgress, verify
from server.services.backups.media_copy import check_rights, copy_pictures, explained
from server.services.backups.restore import Restore
from server.settings import Settings
from server.version import VERSION

NAMES = {
    "JWT_SECRET": "jwt_secret",
    "JWT_REFRESH_SECRET": "jwt_refresh_secret",
    "SECOND_FACTOR_SECRET": "second_factor_secret",
}


def current_secrets(settings: Settings) -> dict[str, str]:
    """Return the secrets that tokens and second factors depend on, by environment variable, without empty ones."""
    values = {name: getattr(settings.auth, field).get_secret_value() for name, field in NAMES.items()}
    return {name: value for name, value in values.items() if value}


async def make_backup(settings: Settings, var: Path, folder: Path, on_progress: OnProgress) -> Manifest:
    """Write a backup to `folder`. The program may run. Raises ConfigurationError."""
    async with existing_database(settings, var), opened_media(settings, var) as media:
        return await write_backup(
            folder, database_parameters(settings, var), media, current_secrets(settings), VERSION, on_progress
        )


async def restore_backup(
    settings: Settings, var: Path, folder: Path, on_progress: OnProgress, *, as_copy: bool
) -> list[str]:
    """Restore a backup into the empty installation of the settings; return what the operator must still do.

    Raises ConfigurationError before anything is changed.
    """
    manifest = verify(folder, on_progress)
    create_work_folder(var)
    async with stopped(var), opened_media(settings, var) as media:
        restore = Restore(folder, manifest, database_parameters(settings, var), MIGRATIONS, as_copy=as_copy)
        await restore.check_target(media)
        await check_rights(media)
        await restore.restore_media(media, on_progress)
        store_id = await restore.restore_database(on_progress)
        if store_id:
            await media.create_id(store_id)
    return adopt_secrets(settings, var, orjson.loads((folder / SECRETS).read_bytes()))


async def move_database(settings: Settings, var: Path, url: str, on_progress: OnProgress) -> Path:
    """Copy the embedded database to an empty one on a server. Return the file with the new settings.

    Raises ConfigurationError.
    """
    if not settings.embedded_database:
        raise ConfigurationError("Only the embedded database can be moved: DB_HOST is set.")
    target = with_database(settings, url)
    folder = var / "moving"
    async with stopped(var):
        if not folder.exists():
            async with existing_database(settings, var):
                pass
            secrets = current_secrets(settings)
            source = database_parameters(settings, var)
            await write_backup(folder, source, None, secrets, VERSION, on_progress)
        manifest = verify(folder, on_progress)
        restore = Restore(folder, manifest, database_parameters(target, var), MIGRATIONS)
        await restore.check_target(None)
        await restore.restore_database(on_progress)
    where = target.database
    environ = {
        "DB_HOST": where.host,
        "DB_PORT": str(where.port),
        "DB_USERNAME": where.username,
        "DB_PASSWORD": where.password.get_secret_value(),
        "DB_NAME": where.name,
        **current_secrets(settings),
    }
    file = var / "moved.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in environ.items()))
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    return file


async def move_media(settings: Settings, var: Path, url: str, on_progress: OnProgress) -> int:
    """Copy all pictures to another store, and compare them. Return their number. Raises ConfigurationError."""
    async with stopped(var), opened_media(settings, var) as source:
        target = MediaStore.in_bucket(url, base_url=settings.media_base_url)
        try:
            with explained(target, "used"):
                return await copy_pictures(source, target, create_work_folder(var) / "moving", on_progress)
        finally:
            await target.close()


def with_database(settings: Settings, url: str) -> Settings:
    """Return the settings with the database at `mysql://user:password@host:port/name`. Raises ConfigurationError."""
    parts = urlsplit(url)
    if parts.scheme not in ("mysql", "mariadb") or not parts.hostname or len(parts.path) < 2:
        raise ConfigurationError("Invalid target: expected mysql://user:password@host:port/database.")
    changes = {
        "host": parts.hostname,
        "port": parts.port or 3306,
        "username": unquote(parts.username or ""),
        "password": SecretStr(unquote(parts.password or "")),
        "name": unquote(parts.path[1:]),
    }
    return settings.model_copy(update={"database": settings.database.model_copy(update=changes)})


def adopt_secrets(settings: Settings, var: Path, secrets: Mapping[str, str]) -> list[str]:
    """Take over the secrets of a backup if ours are generated ones; otherwise return what to set."""
    current = current_secrets(settings)
    if all(current.get(name) == value for name, value in secrets.items()):
        return []
    generated = var / "secrets.json"
    kept: dict[str, str] = orjson.loads(generated.read_bytes()) if generated.exists() else {}
    if kept and all(current.get(name) == value for name, value in kept.items()):
        ours = {name: secrets[name] for name in kept if name in secrets}
        generated.write_bytes(orjson.dumps({**kept, **ours}))
        secrets = {name: value for name, value in secrets.items() if name not in ours}
    differing = [name for name, value in secrets.items() if current.get(name) != value]
    if not differing:
        return []
    return [
        f"Set {', '.join(differing)} as in {SECRETS} of the backup; otherwise all users have to sign in again."
    ]


@asynccontextmanager
async def stopped(var: Path) -> AsyncGenerator[None]:
    """Claim all roles on the data folder. Raises ConfigurationError if a process runs there."""
    async with AsyncExitStack() as claims:
        for role in ("api", "worker"):
            await claims.enter_async_context(claimed_role(var, role))
        yield


@asynccontextmanager
async def opened_media(settings: Settings, var: Path) -> AsyncGenerator[MediaStore]:
    """Open the media store of the settings, whichever database it belongs to."""
    uploads, base_url = settings.uploads, settings.media_base_url
    if uploads.media_url:
        media = MediaStore.in_bucket(uploads.media_url, base_url=base_url)
    else:
        media = MediaStore.in_folder(Path(uploads.dest) if uploads.dest else var / "media", base_url=base_url)
    try:
        yield media
    finally:
        await media.close()
