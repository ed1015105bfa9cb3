r"""Reads Instagram's own exports in JSON ("Download your information").

Layout, as of 2025; older archives lack the folder `your_instagram_activity`, and some have `media` for `content`:

    your_instagram_activity/content/posts_1.json          posts; posts_2.json and so on for many
    personal_information/personal_information/personal_information.json   the profile; older: one folder less
    media/posts/202401/....jpg                            the files, named by `uri`

A post has `media`, a list of objects with `uri`, `creation_timestamp` in seconds, and `title`. A carousel also has
the last two itself. One post alone may stand for a list. Texts are UTF-8 whose bytes were written as characters: "é" is
"\u00c3\u00a9".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from server.services.portability.archive_reader import ArchiveReader
from server.services.portability.imported_account import ArchivedAccount, ArchivedPicture, ArchivedPost
from server.services.portability.json_values import as_list, as_number, as_object, as_text, load

ORIGIN = "Instagram"
POSTS = re.compile(r"(|.*?/)(?:your_instagram_activity/(?:content|media)|content)/posts_(\d{1,4})\.json")
HTML_POSTS = re.compile(r"(|.*?/)(?:your_instagram_activity/(?:content|media)|content)/posts_\d{1,4}\.html")
PROFILES = (
    "personal_information/personal_information/personal_information.json",
    "personal_information/personal_information.json",
)
VIDEO = re.compile(r"\.(mp4|mov|m4v|webm)$", re.IGNORECASE)


def read_instagram(archive: ArchiveReader, root: str) -> ArchivedAccount:
    """Return the account in an archive whose folders are below `root`. Raises InvalidArchive."""
    account = ArchivedAccount(ORIGIN)
    _read_profile(archive, root, account)
    found = [match for name in archive.names if (match := POSTS.fullmatch(name)) and match[1] == root]
    for match in sorted(found, key=lambda match: int(match[2])):
        for where, post in _posts(archive, match[0]):
            _read_post(post, where, root, account)
    return account


def decode(text: str) -> str:
    """Return a text whose UTF-8 bytes were written as characters; another text is returned as it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _posts(archive: ArchiveReader, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    value = load(archive, name)
    values: list[Any] = [value] if isinstance(value, dict) else as_list(value, name)
    for number, post in enumerate(values, start=1):
        where = f"{name}: element {number}"
        yield where, as_object(post, where)


def _read_post(post: Mapping[str, Any], where: str, root: str, account: ArchivedAccount) -> None:
    label = where.rpartition("/")[2]
    media = [as_object(each, f"{where}: media") for each in as_list(post.get("media"), f"{where}: media")]
    if not media:
        account.skip(label, "it has no pictures")
        return
    at_s = as_number(
        post.get("creation_timestamp", media[0].get("creation_timestamp")), f"{where}: creation_timestamp"
    )
    uris = [as_text(each.get("uri"), f"{where}: uri") for each in media]
    pictures: list[ArchivedPicture] = []
    for uri in uris:
        if VIDEO.search(uri):
            account.skip(f"{label}, {uri}", "videos are not imported")
        else:
            pictures.append(ArchivedPicture(root + uri))
    # The caption of a single picture is its title; that of a carousel is the title of the post.
    caption = as_text(post.get("title"), f"{where}: title") or as_text(
        media[0].get("title"), f"{where}: title"
    )
    # The folders of files differ from one export to the next; their names stay.
    source = f"instagram:{at_s}:{uris[0].rpartition('/')[2]}"
    if pictures:
        account.posts.append(ArchivedPost(source, label, at_s * 1000, decode(caption), pictures))


def _read_profile(archive: ArchiveReader, root: str, account: ArchivedAccount) -> None:
    name = next((root + name for name in PROFILES if archive.has(root + name)), None)
    if name is None:
        return
    users = as_list(as_object(load(archive, name), name).get("profile_user", []), f"{name}: profile_user")
    if not users:
        return
    user = as_object(users[0], f"{name}: profile_user")
    values = as_object(user.get("string_map_data", {}), f"{name}: string_map_data")

    def text(key: str) -> str:
        entry = as_object(values.get(key, {}), f"{name}: {key}")
        return decode(as_text(entry.get("value"), f"{name}: {key}"))

    account.username = text("Username")
    account.full_name = text("Name")
    account.bio = text("Bio")
    account.website = text("Website")
    photos = as_object(user.get("media_map_data", {}), f"{name}: media_map_data")
    photo = as_object(photos.get("Profile Photo", {}), f"{name}: Profile Photo")
    uri = as_text(photo.get("uri"), f"{name}: Profile Photo")
    account.avatar = root + uri if uri and archive.has(root + uri) else ""
