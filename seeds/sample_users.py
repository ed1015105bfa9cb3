"""The sample users, their captions and conversations, from `sample_users.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.services.records import Role


@dataclass(frozen=True, slots=True)
class SampleUser:
    """A sample user; `scenes` are keys of `seeds.photographs.SCENES`."""

    username: str
    full_name: str
    bio: str
    scenes: tuple[str, ...]
    role: Role = Role.USER
    website: str = ""


def _sample_user(entry: dict[str, Any]) -> SampleUser:
    role, scenes = Role(entry.pop("role", Role.USER)), tuple(entry.pop("scenes"))
    return SampleUser(**entry, role=role, scenes=scenes)


_DATA: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("sample_users.toml").read_text(encoding="utf-8")
)

SAMPLE_USERS = tuple(_sample_user(entry) for entry in _DATA["people"])
CAPTIONS: dict[str, list[str]] = _DATA["captions"]
# A comment, the reply of the post's author, and the reply to that; empty strings where there is no reply.
CONVERSATIONS: list[list[str]] = _DATA["conversations"]
