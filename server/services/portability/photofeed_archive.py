"""Reads the archives of `POST /users/export`; docs/export.md describes them."""

from datetime import datetime
from typing import Any

from server.models.audience import Audience
from server.services.portability.archive_format import (
    FORMAT,
    MANIFEST,
    POSTS,
    PUBLISHED,
    VERSION,
    entry_of,
)
from server.services.portability.archive_reader import ArchiveReader
from server.services.portability.imported_account import (
    ArchivedAccount,
    ArchivedPicture,
    ArchivedPost,
    InvalidArchive,
)
from server.services.portability.json_values import as_list, as_number, as_object, as_text, load, wrong_shape

ORIGIN = "photofeed"


def read_photofeed(archive: ArchiveReader, root: str) -> ArchivedAccount:
    """Return the account in an archive whose files are below `root`. Raises InvalidArchive."""
    manifest = as_object(load(archive, root + MANIFEST), MANIFEST)
    if manifest.get("format") != FORMAT:
        raise InvalidArchive(
            "manifest.json is not that of a photofeed export: use the archive as it was downloaded."
        )
    version = as_number(manifest.get("version"), "manifest.json: version")
    if version > VERSION:
        raise InvalidArchive(
            f"The archive has version {version} of the format, and this program reads up to {VERSION}: update it."
        )
    user = as_object(manifest.get("user"), "manifest.json: user")
    account = ArchivedAccount(ORIGIN, username=as_text(user.get("username"), "manifest.json: user.username"))
    origin = as_text(manifest.get("origin"), "manifest.json: origin")
    _read_profile(archive, root, account)
    for name in (POSTS,):
        if not archive.has(root + name):
            raise InvalidArchive(f"{name} is missing: the archive is incomplete. Download it again.")
    for number, value in enumerate(as_list(load(archive, root + POSTS), POSTS), start=1):
        _read_post(as_object(value, f"{POSTS}: element {number}"), number, root, origin, account)
    return account


def _read_profile(archive: ArchiveReader, root: str, account: ArchivedAccount) -> None:
    name = entry_of("profile")
    if not archive.has(root + name):
        return
    profile = as_object(load(archive, root + name), name)
    account.full_name = as_text(profile.get("fullName"), f"{name}: fullName")
    account.bio = as_text(profile.get("bio"), f"{name}: bio")
    account.website = as_text(profile.get("website"), f"{name}: website")
    avatar = as_text(profile.get("avatar"), f"{name}: avatar")
    account.avatar = root + avatar if avatar else ""


def _read_post(post: Any, number: int, root: str, origin: str, account: ArchivedAccount) -> None:
    where = f"{POSTS}: element {number}"
    post_id = as_text(post.get("id"), f"{where}: id")
    label = f"post {post_id}"
    status = as_text(post.get("status"), f"{where}: status")
    if status != PUBLISHED:
        account.skip(label, f"its status is {status[:40]}, and only published posts are imported")
        return
    pictures: list[ArchivedPicture] = []
    for value in as_list(post.get("media"), f"{where}: media"):
        media = as_object(value, f"{where}: media")
        file = as_text(media.get("file"), f"{where}: file")
        if file:
            pictures.append(ArchivedPicture(root + file, as_text(media.get("altText"), f"{where}: altText")))
        else:
            account.skip(label, "one of its pictures is not in the archive")
    account.posts.append(
        ArchivedPost(
            source=f"{ORIGIN}:{origin}:{post_id}",
            label=label,
            at_ms=_time(post.get("createdAt"), f"{where}: createdAt"),
            caption=as_text(post.get("caption"), f"{where}: caption"),
            pictures=pictures,
            audience=_audience(post.get("audience"), f"{where}: audience"),
        )
    )


def _audience(value: Any, where: str) -> Audience:
    """Return the audience; a post of an unknown one must not become public."""
    try:
        return Audience(as_text(value, where))
    except ValueError as error:
        raise wrong_shape(where, "an audience") from error


def _time(value: Any, where: str) -> int:
    try:
        at = datetime.fromisoformat(as_text(value, where))
        return round(at.timestamp() * 1000) if at.tzinfo else _no_time(where)
    except (ValueError, OverflowError, OSError) as error:
        raise wrong_shape(where, "a time") from error


def _no_time(where: str) -> int:
    raise wrong_shape(where, "a time in UTC")
