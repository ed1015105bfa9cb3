"""Command line of the seeder: `python -m seeds` fills the database with sample data."""

import argparse
import asyncio
import gc
import os
import sys
from pathlib import Path

from server.errors import AppError, ConfigurationError

PLAIN = argparse.RawDescriptionHelpFormatter
STEPS = ("users", "follows", "posts", "comments", "likes", "saves", "safety", "discovery")
MIN_PEOPLE, MAX_PEOPLE = 10, 10_000_000

EPILOG = """\
examples:
  python -m seeds                    all of the sample data
  python -m seeds users follows      some of the steps; the others can follow later
  python -m seeds --scale 10000      a crowd of 10,000 users and 100,000 posts, for measurements

Repeated and interrupted runs are safe: existing rows are not created again. The server may be running; its feeds and
notifications are updated. The settings are those of `python run.py`.
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed flags; exit with an error message if they are invalid."""
    parser = argparse.ArgumentParser(
        prog="python -m seeds",
        description="Fill the database with sample data.",
        epilog=EPILOG,
        formatter_class=PLAIN,
        allow_abbrev=False,
    )
    parser.add_argument(
        "steps", nargs="*", metavar="STEP", help=f"{', '.join(STEPS)} (default: all, in this order)"
    )
    parser.add_argument(
        "--scale", type=int, metavar="N", help=f"create a crowd of N users instead, {MIN_PEOPLE} or more"
    )
    parser.add_argument(
        "--random-seed",
        type=int,
        default=1,
        metavar="N",
        help="seed of the random choices for the crowd (default: 1)",
    )
    parser.add_argument("--yes", action="store_true", help="allow sample data in production")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config.toml"),
        metavar="FILE",
        help="settings file (default: config.toml)",
    )
    chosen = parser.parse_args(arguments)
    unknown = [step for step in chosen.steps if step not in STEPS]
    if unknown:
        parser.error(f"unknown step {unknown[0]!r}: choose from {', '.join(STEPS)}")
    if chosen.scale is not None and not MIN_PEOPLE <= chosen.scale <= MAX_PEOPLE:
        parser.error(f"--scale {chosen.scale} is not between {MIN_PEOPLE} and {MAX_PEOPLE}")
    if chosen.scale is not None and chosen.steps:
        parser.error("--scale creates a complete crowd: omit the steps")
    return chosen


def main() -> int:
    """Return the exit code: 0 for success, 2 for invalid flags or settings, 130 after Ctrl-C."""
    arguments = parse(sys.argv[1:])
    try:
        return _run(arguments)
    except AppError as error:
        print(f"error: {error.reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted. Committed rows remain; run the command again to continue.", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    os.umask(0o077)  # as in run.py
    gc.disable()  # imported modules stay in memory, as in run.py
    # Imported after the flags are parsed, so that --help and errors in flags appear at once.
    from seeds.commands import fill_crowd, fill_sample
    from server import configuration, logs

    gc.freeze()
    gc.enable()
    settings = configuration.load(arguments.config).settings
    if settings.app.env == "production" and not arguments.yes:
        raise ConfigurationError("APP_ENV is production: pass --yes to create sample data there.")
    logs.configure("error", settings.log.format)  # the output is for a terminal
    if arguments.scale is not None:
        work = fill_crowd(settings, arguments.scale, arguments.random_seed)
    else:
        work = fill_sample(settings, arguments.steps or STEPS)
    with asyncio.Runner() as runner:
        return runner.run(work)


if __name__ == "__main__":
    sys.exit(main())
