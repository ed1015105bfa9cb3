"""The program: `python run.py` starts it; `python run.py --help` says what else it can do."""

import argparse
import asyncio
import gc
import shlex
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.errors import AppError

if TYPE_CHECKING:
    from server.configuration import Loaded

STARTED = time.monotonic()
PLAIN = argparse.RawDescriptionHelpFormatter
QUEUES = ("feed", "notifications", "push", "mail", "maintenance")
ROLES = ("user", "celebrity", "admin")

EPILOG = """\
examples:
  python run.py                      everything in one process, nothing to install
  python run.py --role=api           requests only; start --role=worker beside it
  python run.py --port=8080          another port
  python run.py migrate              bring the schema up to date (MySQL, MariaDB)
  python run.py queues               watch the background work
  python run.py role ana admin       let ana see and steer the queues over HTTP

Settings are in config.toml; the environment and a .env file override them (see docs/configuration.md).
Ctrl-C or SIGTERM: requests and jobs that run are finished, then it ends with exit code 0. Twice: it ends at once.
"""
QUEUES_EPILOG = """\
examples:
  python run.py queues                        watch them (Ctrl-C leaves)
  python run.py queues --once                 one look
  python run.py queues failed feed            the jobs that were given up, and why
  python run.py queues retry feed --all       run them again
  python run.py queues discard feed 123 456   delete these two
  python run.py queues pause notifications    start no more of its jobs; new ones wait
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The flags; ends the program with a sentence on a mistake in them."""
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="A photo-sharing backend: HTTP API, background jobs and live notifications.",
        epilog=EPILOG,
        formatter_class=PLAIN,
        allow_abbrev=False,
    )
    parser.set_defaults(command="serve", role="all", host=None, port=None, config=Path("config.toml"))
    _add_serving_flags(parser)
    _add_config_flag(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="run.py")
    serve = _command(commands, "serve", "start the program; what happens when no command is named")
    _add_serving_flags(serve)
    _command(commands, "migrate", "bring the schema of the database up to date")
    _add_queues(_command(commands, "queues", "watch the queues; list, retry, discard, pause", QUEUES_EPILOG))
    doctor = _command(commands, "doctor", "compare what is cached with the database, and repair it")
    doctor.add_argument(
        "subject", choices=["feeds"], metavar="feeds", help="feeds, counters and cards in Redis"
    )
    doctor.add_argument("--user", metavar="NAME", help="the feed of this person alone")
    doctor.add_argument("--fix", action="store_true", help="drop what differs, so that it is built again")
    role = _command(commands, "role", "give a user a role; it counts from their next refresh")
    role.add_argument("username")
    role.add_argument("granted", choices=ROLES, metavar="role", help="user, celebrity or admin")
    return parser.parse_args(arguments)


def main() -> int:
    """The exit code: 0 for a clean end, 1 when something was cut off, 2 for a mistake in flags or settings."""
    arguments = parse(sys.argv[1:])
    try:
        return _run(arguments)
    except AppError as error:
        print(f"error: {error.reason}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("server", "seeds"):
            raise
        python = shlex.quote(sys.executable)
        print(
            f"error: {error.name} is not installed for {python}: run `make setup`, and start with"
            " .venv/bin/python run.py",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:  # `| head`
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _add_queues(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(action="show", once=False)
    parser.add_argument("--once", action="store_true", help="print the table once, in a terminal too")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", prog="run.py queues")
    for action, text in (
        ("failed", "list the jobs that were given up, newest first"),
        ("retry", "run failed jobs again"),
        ("discard", "delete failed jobs for good"),
        ("pause", "start no more jobs of a queue, in any process"),
        ("resume", "let it run again"),
    ):
        chosen = actions.add_parser(action, help=text, description=text, allow_abbrev=False)
        chosen.set_defaults(action=action)
        _add_config_flag(chosen)
        chosen.add_argument("queue", help=", ".join(QUEUES))
        if action in ("retry", "discard"):
            chosen.add_argument(
                "ids", nargs="*", metavar="ID", help="a job's id, as `queues failed` shows it"
            )
            chosen.add_argument("--all", action="store_true", dest="everything", help="all of the queue")


def _command(commands: Any, name: str, text: str, epilog: str = "") -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, epilog=epilog, formatter_class=PLAIN, allow_abbrev=False
    )
    command.set_defaults(command=name)
    _add_config_flag(command)
    return command


# No defaults of their own: a command's would win over what was given before it.
def _add_config_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="(default: config.toml)"
    )


def _add_serving_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--role",
        choices=["api", "worker", "all"],
        default=argparse.SUPPRESS,
        help="what this process does (default: all)",
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default=argparse.SUPPRESS,
        help="address to listen on (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        default=argparse.SUPPRESS,
        help="port to listen on, 0 for any free one (default: 3000)",
    )


def _run(arguments: argparse.Namespace) -> int:
    # What is imported stays, and is not looked through for garbage: neither now nor, frozen, later. To do so took a
    # quarter of the time that a start and an end need together.
    gc.disable()
    # Imported after the flags were read, so that --help and a mistyped flag answer at once.
    from server import configuration, logs

    flags = {"app.host": arguments.host, "app.port": arguments.port}
    overrides = {key: text for key, text in flags.items() if text is not None}
    loaded = configuration.load(arguments.config, overrides=overrides)
    serving = arguments.command == "serve"
    # A command's output is for a person: what the parts log while it runs would be in the way.
    logs.configure(loaded.settings.log.level if serving else "error", loaded.settings.log.format)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        work = _work(arguments, loaded)
        gc.freeze()
        # Ten thousand streams are millions of objects, and to look through all of them half a second in which nobody is
        # answered: what grows old is looked at a hundred times less often, what is young as often as ever.
        gc.set_threshold(700, 10, 1000)
        gc.enable()
        return runner.run(work)


def _work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    # Each imported when it is wanted: together they take three times as long as one.
    match arguments.command:
        case "migrate":
            from server.commands.migrate import migrate

            return migrate(loaded.settings)
        case "role":
            from server.commands.role import grant_role

            return grant_role(loaded.settings, arguments.username, arguments.granted)
        case "doctor":
            from server.commands.doctor import feeds

            return feeds(loaded.settings, arguments.user, fix=arguments.fix)
        case "queues":
            return _on_queues(arguments, loaded)
        case _:
            from server.commands.serve import serve

            return serve(loaded, arguments.role, STARTED)


def _on_queues(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    from server.commands import queues

    settings = loaded.settings
    match arguments.action:
        case "show":
            return queues.show(settings, once=arguments.once)
        case "failed":
            return queues.failed(settings, arguments.queue)
        case "retry":
            return queues.retry(settings, arguments.queue, arguments.ids, everything=arguments.everything)
        case "discard":
            return queues.discard(settings, arguments.queue, arguments.ids, everything=arguments.everything)
        case "pause":
            return queues.pause(settings, arguments.queue)
        case _:
            return queues.resume(settings, arguments.queue)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
