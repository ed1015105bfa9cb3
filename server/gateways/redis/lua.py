"""Lua scripts, loaded from files beside the modules that run them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from server.gateways.redis.connection import Value


class Script:
    """A Lua script. `sha` is the digest by which Redis identifies a loaded script; `name` is for metrics and traces."""

    def __init__(self, source: str, name: str = "script") -> None:
        self.source = source
        self.name = name
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def load(cls, folder: Path, *names: str) -> Self:
        """Return the script that the files `<name>.lua` make up, concatenated in this order."""
        return cls("\n".join((folder / f"{name}.lua").read_text() for name in names), names[-1])


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script. `with_run_id` puts the client's `run_id` before the arguments."""

    script: Script
    keys: Sequence[Value]
    arguments: Sequence[Value] = ()
    with_run_id: bool = False

    def parts(self, command: str, script: str, run_id: str) -> tuple[Value, ...]:
        """Return the parts of the Redis command; `script` is the digest or the source."""
        before = (command, script, len(self.keys), *self.keys)
        return (*before, run_id, *self.arguments) if self.with_run_id else (*before, *self.arguments)
