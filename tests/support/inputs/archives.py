"""ZIP archives as Instagram makes them, and archives that no program should trust."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


def zipped(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def mojibake(text: str) -> str:
    """Return a text as Instagram writes it: each UTF-8 byte as a character."""
    return text.encode().decode("latin-1")


@dataclass(frozen=True, slots=True)
class InstagramPost:
    """A post of an Instagram export; `pictures` maps the names of files to their bytes."""

    at_s: int
    caption: str
    pictures: Mapping[str, bytes]

    def as_json(self) -> dict[str, Any]:
        """Return the element of posts_1.json: the caption of a carousel is that of the post."""
        alone = len(self.pictures) == 1
        title = mojibake(self.caption)
        media = [
            {
                "uri": f"media/posts/202301/{name}",
                "creation_timestamp": self.at_s,
                "media_metadata": {"camera_metadata": {"has_camera_metadata": False}},
                "title": title if alone else "",
                "cross_post_source": {"source_app": "FB"},
            }
            for name in self.pictures
        ]
        return (
            {"media": media} if alone else {"media": media, "title": title, "creation_timestamp": self.at_s}
        )


@dataclass(slots=True)
class InstagramExport:
    """A sample of "Download your information" in JSON, with the layout of 2025; `old` is that of 2022."""

    posts: Sequence[InstagramPost]
    username: str = "ana.clicks"
    name: str = "Ana Müller"
    bio: str = "Licht, meistens 🌅\nBerlin"
    website: str = "https://ana.example.com/"
    photo: bytes = b""
    old: bool = False
    root: str = ""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def content(self) -> bytes:
        activity = "" if self.old else "your_instagram_activity/"
        personal = "personal_information/" if self.old else "personal_information/personal_information/"
        files: dict[str, bytes] = {
            f"{activity}content/posts_1.json": dumps([post.as_json() for post in self.posts]),
            f"{personal}personal_information.json": dumps(self._profile()),
            "connections/followers_and_following/followers_1.json": dumps([_follow("bob.clicks")]),
            "connections/followers_and_following/following.json": dumps(
                {"relationships_following": [_follow("kenji.clicks")]}
            ),
            f"{activity}comments/post_comments_1.json": dumps([_comment()]),
        }
        for post in self.posts:
            files |= {f"media/posts/202301/{name}": picture for name, picture in post.pictures.items()}
        if self.photo:
            files["media/profile/202301/me.jpg"] = self.photo
        return zipped({f"{self.root}{name}": content for name, content in (files | self.files).items()})

    def _profile(self) -> dict[str, Any]:
        values = {"Username": self.username, "Name": self.name, "Bio": self.bio, "Website": self.website}
        user: dict[str, Any] = {
            "title": "",
            "media_map_data": {},
            "string_map_data": {
                key: {"href": "", "value": mojibake(value), "timestamp": 0} for key, value in values.items()
            },
        }
        if self.photo:
            user["media_map_data"]["Profile Photo"] = {
                "uri": "media/profile/202301/me.jpg",
                "creation_timestamp": 1_600_000_000,
                "title": "",
            }
        return {"profile_user": [user]}


def dumps(value: Any) -> bytes:
    """Return JSON in ASCII, as Instagram writes it."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return "".join(char if char < "\x80" else f"\\u{ord(char):04x}" for char in text).encode()


def _follow(name: str) -> dict[str, Any]:
    entry = {"href": f"https://www.instagram.com/{name}", "value": name, "timestamp": 1_600_000_000}
    return {"title": "", "media_list_data": [], "string_list_data": [entry]}


def _comment() -> dict[str, Any]:
    values = {
        "Comment": {"value": mojibake("Schön 🌊")},
        "Media Owner": {"value": "bob.clicks"},
        "Time": {"timestamp": 1_600_000_000},
    }
    return {"media_list_data": [{"uri": ""}], "string_map_data": values}


def bomb(size: int = 300 * 1024 * 1024) -> bytes:
    """Return an archive whose JSON unpacks to `size` zeros."""
    return zipped({"your_instagram_activity/content/posts_1.json": b"0" * size})


def with_lying_size(size: int = 100) -> bytes:
    """Return an archive that states a smaller size than a file has."""
    content = bytearray(zipped({"your_instagram_activity/content/posts_1.json": b"[" + b" " * 5000 + b"]"}))
    at = content.rfind(b"PK\x01\x02")
    struct.pack_into("<L", content, at + 24, size)
    return bytes(content)


def with_entries(count: int) -> bytes:
    """Return an archive that lists `count` files of no bytes."""
    names = [f"f{number:07d}".encode() for number in range(count)]
    directory = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
        + name
        for name in names
    )
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return directory + end64 + locator + end


def with_symlink() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("manifest.json")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def with_duplicates() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("manifest.json", "manifes2.json"):
            archive.writestr(name, "{}")
    return file.getvalue().replace(b"manifes2.json", b"manifest.json")


def encrypted() -> bytes:
    """Return an archive whose file claims to be encrypted."""
    content = bytearray(zipped({"manifest.json": "{}"}))
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(content)
