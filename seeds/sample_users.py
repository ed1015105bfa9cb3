"""The people of the sample place, what they take pictures of and what they write: all in `sample_users.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.services.records import Role


@dataclass(frozen=True, slots=True)
class Character:
    """`scenes` are those of `seeds.photographs`."""

    username: str
    full_name: str
    bio: str
    scenes: tuple[str, ...]
    role: Role = Role.USER
    website: str = ""


def _character(entry: dict[str, Any]) -> Character:
    role, scenes = Role(entry.pop("role", Role.USER)), tuple(entry.pop("scenes"))
    return Character(**entry, role=role, scenes=scenes)


_TOLD: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("sample_users.toml").read_text(encoding="utf-8")
)

CAST = tuple(_character(entry) for entry in _TOLD["people"])
CAPTIONS: dict[str, list[str]] = _TOLD["captions"]
# A remark, what its author answers, what the first says then; empty where they fall silent.
CONVERSATIONS: list[list[str]] = _TOLD["conversations"]
