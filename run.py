"""The program: `python run.py` starts it; `python run.py --help` says what else it can do."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from server.errors import AppError

if TYPE_CHECKING:
    from server.settings import Loaded, Settings

STARTED = time.monotonic()

EPILOG = """\
examples:
  python run.py                      everything in one process, nothing to install
  python run.py --role=api           requests only; start --role=worker beside it
  python run.py --port=8080          another port
  python run.py migrate              bring the schema up to date (MySQL, MariaDB)

Settings are in config.toml; the environment and a .env file override them (see the README's table).
Ctrl-C or SIGTERM: requests and jobs that run are finished, then it ends with exit code 0. Twice: it ends at once.
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The flags; ends the program with a sentence on a mistake in them."""
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="A photo-sharing backend: HTTP API, background jobs and live notifications.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=["serve", "migrate"],
        default="serve",
        help="what to do (default: serve)",
    )
    parser.add_argument(
        "--role",
        choices=["api", "worker", "all"],
        default="all",
        help="what this process does (default: all)",
    )
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", metavar="N", help="port to listen on, 0 for any free one (default: 3000)")
    parser.add_argument(
        "--config", type=Path, default=Path("config.toml"), metavar="FILE", help="(default: config.toml)"
    )
    return parser.parse_args(arguments)


def main() -> int:
    """The exit code: 0 for a clean end, 1 when something was cut off, 2 for a mistake in flags or settings."""
    arguments = parse(sys.argv[1:])
    try:
        return _run(arguments)
    except AppError as error:
        print(f"error: {error.detail}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace) -> int:
    # Imported after the flags were read, so that --help and a mistyped flag answer at once.
    from server import logs, settings

    flags = {"app.host": arguments.host, "app.port": arguments.port}
    overrides = {key: text for key, text in flags.items() if text is not None}
    loaded = settings.load(arguments.config, overrides=overrides)
    logs.configure(loaded.settings.log.level, loaded.settings.log.format)
    work = _migrate(loaded.settings) if arguments.command == "migrate" else _serve(loaded, arguments.role)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop


async def _serve(loaded: "Loaded", role: str) -> int:
    import structlog

    from server.lifecycle import Lifecycle, Role

    log = structlog.get_logger("run")
    for warning in loaded.warnings:
        log.warning("check_configuration", detail=warning)
    life = Lifecycle(loaded.settings, Role(role))
    asked = _stop_on_signals()
    try:
        await life.open()
        took_ms = round((time.monotonic() - STARTED) * 1000)
        parts = life.described()
        if sys.stdout.isatty():
            _banner(parts, took_ms)
        log.info("ready", started_in_ms=took_ms, **parts)
        await asked.wait()
        log.info("leaving", role=role)
    finally:
        clean = await life.close()
    log.info("left", clean=clean)
    return 0 if clean else 1


def _stop_on_signals() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; the second leaves without waiting for anything."""
    asked = asyncio.Event()

    def stop(number: int) -> None:
        if asked.is_set():
            os._exit(128 + number)
        asked.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return asked


def _banner(parts: dict[str, str], took_ms: int) -> None:
    width = max(map(len, parts))
    lines = [f"  {name:<{width}}  {value}" for name, value in parts.items()]
    print(
        "",
        f"  photofeed is ready ({took_ms} ms)",
        "",
        *lines,
        "",
        "  Ctrl-C to stop",
        "",
        sep="\n",
        flush=True,
    )


async def _migrate(settings: "Settings") -> int:
    from server.lifecycle import migrate

    applied = await migrate(settings, lambda version: print(f"applying {version}", flush=True))
    print(f"{len(applied)} migration(s) applied." if applied else "The schema is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
