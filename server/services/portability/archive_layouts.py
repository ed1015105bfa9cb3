"""Recognizes what made an archive, reads it, and checks everything that an import will need."""

from collections.abc import Callable
from dataclasses import replace

from server.clock import SystemClock
from server.services.content.limits import MAX_ALT_TEXT, MAX_CAPTION, MAX_IMAGES
from server.services.portability.archive_format import MANIFEST
from server.services.portability.archive_reader import ArchiveReader, BadEntry
from server.services.portability.exported_pictures import UNKNOWN, extension_of
from server.services.portability.imported_account import (
    ArchivedAccount,
    ArchivedPicture,
    ArchivedPost,
    InvalidArchive,
)
from server.services.portability.instagram_archive import HTML_POSTS, POSTS, read_instagram
from server.services.portability.photofeed_archive import read_photofeed
from server.user_text import FORBIDDEN, clean_lines

DAY_MS = 86_400_000


def read_account(archive: ArchiveReader) -> ArchivedAccount:
    """Return the account in an archive of a known layout. Raises InvalidArchive."""
    names = archive.names
    manifests = [name for name in names if name == MANIFEST or name.endswith(f"/{MANIFEST}")]
    if manifests:
        return read_photofeed(archive, min(manifests, key=len).removesuffix(MANIFEST))
    roots = [match[1] for name in names if (match := POSTS.fullmatch(name))]
    if roots:
        return read_instagram(archive, min(roots, key=len))
    if any(HTML_POSTS.fullmatch(name) for name in names):
        raise InvalidArchive(
            "This is an export of Instagram in HTML, which cannot be imported: request it again in the format JSON."
        )
    if any(name.lower().endswith(".zip") for name in names):
        raise InvalidArchive("The archive contains another ZIP file: unpack it, and import the one inside.")
    raise InvalidArchive(
        "The archive is no export of photofeed or Instagram: it has neither manifest.json nor"
        " your_instagram_activity/content/posts_1.json."
    )


def check_account(
    archive: ArchiveReader, account: ArchivedAccount, max_picture_bytes: int, on_post: Callable[[], None]
) -> None:
    """Check every post and picture; what cannot be imported moves to `skipped`. Posts are sorted, oldest first.

    Pictures are read to their ends, so that a damaged archive is found before anything is imported.
    """
    latest_ms = SystemClock().now_ms() + DAY_MS
    checked: list[ArchivedPost] = []
    for post in sorted(account.posts, key=lambda post: post.at_ms):
        on_post()
        caption = clean_lines(FORBIDDEN.sub("", post.caption))
        if not 0 <= post.at_ms <= latest_ms:
            account.skip(post.label, "its date is not in the past")
        elif len(caption) > MAX_CAPTION:
            account.skip(post.label, f"its caption has more than {MAX_CAPTION:,} characters")
        elif pictures := _usable_pictures(archive, account, post, max_picture_bytes):
            checked.append(replace(post, caption=caption, pictures=pictures))
        else:
            account.skip(post.label, "it has no picture that can be imported")
    account.posts = checked
    if account.avatar and (problem := _problem_of(archive, account.avatar, max_picture_bytes)):
        account.skip(account.avatar, problem)
        account.avatar = ""


def _usable_pictures(
    archive: ArchiveReader, account: ArchivedAccount, post: ArchivedPost, max_bytes: int
) -> list[ArchivedPicture]:
    usable: list[ArchivedPicture] = []
    for picture in post.pictures:
        problem = _problem_of(archive, picture.entry, max_bytes)
        if problem is None and len(usable) == MAX_IMAGES:
            problem = f"a post has at most {MAX_IMAGES} pictures"
        if problem:
            account.skip(f"{post.label}, {picture.entry}", problem)
            continue
        alt_text = clean_lines(FORBIDDEN.sub("", picture.alt_text))[:MAX_ALT_TEXT]
        usable.append(replace(picture, alt_text=alt_text))
    return usable


def _problem_of(archive: ArchiveReader, entry: str, max_bytes: int) -> str | None:
    if not archive.has(entry):
        return "it is not in the archive"
    if archive.size(entry) > max_bytes:
        return f"it has more than {max_bytes:,} bytes"
    try:
        first = archive.verify(entry)
    except BadEntry:
        return "it is damaged"
    return "it is no picture of a known format" if extension_of(first) == UNKNOWN else None
