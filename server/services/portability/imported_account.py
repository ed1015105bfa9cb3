"""An account as an archive describes it, whatever made the archive."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.errors import AppError
from server.models.audience import Audience


class InvalidArchive(AppError):
    """The archive cannot be imported; the text names the problem and what to do."""

    code = "invalid_archive"


@dataclass(frozen=True, slots=True)
class ArchivedPicture:
    """A picture; `entry` is its name in the archive."""

    entry: str
    alt_text: str = ""


@dataclass(frozen=True, slots=True)
class ArchivedPost:
    """A post. `source` identifies it for good; `label` names it in messages."""

    source: str
    label: str
    at_ms: int
    caption: str
    pictures: Sequence[ArchivedPicture]
    audience: Audience = Audience.PUBLIC


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part of the archive that is not imported, and why."""

    what: str
    why: str


@dataclass(slots=True)
class ArchivedAccount:
    """`origin` says what made the archive: photofeed or Instagram. `avatar` is a name in the archive, or empty."""

    origin: str
    username: str = ""
    full_name: str = ""
    bio: str = ""
    website: str = ""
    avatar: str = ""
    posts: list[ArchivedPost] = field(default_factory=list[ArchivedPost])
    skipped: list[Skipped] = field(default_factory=list[Skipped])

    def skip(self, what: str, why: str) -> None:
        self.skipped.append(Skipped(what, why))
