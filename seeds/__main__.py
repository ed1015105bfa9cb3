"""`python -m seeds` fills the database with sample data; `--help` says with what."""

import argparse
import asyncio
import gc
import sys
from pathlib import Path

from server.errors import AppError, ConfigurationError

PLAIN = argparse.RawDescriptionHelpFormatter
STEPS = ("users", "follows", "posts", "comments", "likes")
FEWEST_PEOPLE, MOST_PEOPLE = 10, 10_000_000

EPILOG = """\
examples:
  python -m seeds                    people, follows, posts with pictures, comments and likes
  python -m seeds users follows      some of it; posts, say, can come later
  python -m seeds --scale 10000      a crowd of 10,000 and 100,000 posts, for measurements

What is there is not made again, so it may be run as often as wanted, and again when it was broken off; beside a running
server too, whose feeds and notifications follow. Settings are read as `python run.py` reads them.
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The flags; ends the program with a sentence on a mistake in them."""
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
        "--scale", type=int, metavar="N", help=f"a crowd of N people instead, {FEWEST_PEOPLE} or more"
    )
    parser.add_argument(
        "--random-seed", type=int, default=1, metavar="N", help="another number, another crowd (default: 1)"
    )
    parser.add_argument("--yes", action="store_true", help="do it in production too")
    parser.add_argument("--config", type=Path, default=Path("config.toml"), metavar="FILE")
    chosen = parser.parse_args(arguments)
    unknown = [step for step in chosen.steps if step not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]!r}: choose from {', '.join(STEPS)}")
    if chosen.scale is not None and not FEWEST_PEOPLE <= chosen.scale <= MOST_PEOPLE:
        parser.error(f"--scale {chosen.scale} is not within {FEWEST_PEOPLE} and {MOST_PEOPLE}")
    if chosen.scale is not None and chosen.steps:
        parser.error("--scale makes a crowd as a whole: leave the steps out")
    return chosen


def main() -> int:
    """The exit code: 0 when all is there, 2 for a mistake in flags or settings, 130 after Ctrl-C."""
    arguments = parse(sys.argv[1:])
    try:
        return _run(arguments)
    except AppError as error:
        print(f"error: {error.reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Broken off. What was committed stays; run it again to go on.", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    gc.disable()  # what is imported stays, as in run.py
    # Imported after the flags were read, so that --help and a mistyped flag answer at once.
    from seeds.commands import fill_crowd, fill_place
    from server import configuration, logs

    gc.freeze()
    gc.enable()
    settings = configuration.load(arguments.config).settings
    if settings.app.env == "production" and not arguments.yes:
        raise ConfigurationError("This is production: sample data are not put there unless you say --yes.")
    logs.configure("error", settings.log.format)  # what is printed is for a person
    if arguments.scale is not None:
        work = fill_crowd(settings, arguments.scale, arguments.random_seed)
    else:
        work = fill_place(settings, arguments.steps or STEPS)
    with asyncio.Runner() as runner:
        return runner.run(work)


if __name__ == "__main__":
    sys.exit(main())
