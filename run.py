"""Command line of photofeed: `python run.py` starts the server, `python run.py --help` lists the commands."""

import argparse
import asyncio
import gc
import os
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
MAX_PROCESSES = 64
PLAIN = argparse.RawDescriptionHelpFormatter
QUEUES = (
    "posts",
    "feed",
    "notifications",
    "push",
    "email",
    "media",
    "renditions",
    "search",
    "exports",
    "maintenance",
)
ROLES = ("user", "celebrity", "moderator", "admin")

EPILOG = """\
examples:
  python run.py                      run everything in one process
  python run.py --role=api           answer requests only; run --role=worker as well
  python run.py --port=8080          listen on another port
  python run.py --processes=4        use four cores
  python run.py migrate              migrate the database (MySQL, MariaDB)
  python run.py migrate --plan       show what migrating would do
  python run.py backup FOLDER        back up everything, while the server runs
  python run.py restore FOLDER       restore a backup into an empty installation
  python run.py queues               watch the job queues
  python run.py doctor feeds         compare cached feeds with the database
  python run.py doctor account ID    find what is left of an erased account
  python run.py doctor audit         verify the audit log of moderators
  python run.py doctor search        compare the search index with the database
  python run.py doctor replicas      check that read replicas keep up
  python run.py search rebuild       make the search index again
  python run.py restored             after the database was restored: ignore what was cached before
  python run.py import --user ana --file ana.zip   import an export of photofeed or Instagram
  python run.py role ana admin       let ana administer the queues over HTTP

Settings are read from config.toml; environment variables and .env override them. See
docs/configuration.md. Ctrl-C or SIGTERM finishes running requests and jobs, then exits with code 0.
A second Ctrl-C exits immediately.
"""
QUEUES_EPILOG = """\
examples:
  python run.py queues                        watch the queues (Ctrl-C to quit)
  python run.py queues --once                 print the table once
  python run.py queues failed feed            list failed jobs with their errors
  python run.py queues retry feed --all       run all failed jobs again
  python run.py queues discard feed 123 456   delete two failed jobs
  python run.py queues pause notifications    start no more jobs of this queue
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the flags. Exits with a one-line error on invalid flags."""
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="A photo-sharing backend: HTTP API, background jobs and live notifications.",
        epilog=EPILOG,
        formatter_class=PLAIN,
        allow_abbrev=False,
    )
    parser.set_defaults(
        command="serve",
        role="all",
        host=None,
        port=None,
        processes=None,
        member=None,
        config=Path("config.toml"),
    )
    _add_serving_flags(parser)
    _add_config_flag(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="run.py")
    serve = _command(commands, "serve", "run the server (default command)")
    _add_serving_flags(serve)
    _add_migrate(_command(commands, "migrate", "apply, show, check or undo database migrations"))
    copy = _command(commands, "backup", "write a backup to a new folder, while the server may run")
    copy.add_argument("folder", type=Path)
    copy.add_argument("--verify", action="store_true", help="compare an existing backup with its checksums")
    restore = _command(commands, "restore", "restore a backup into an empty installation")
    restore.add_argument("folder", type=Path)
    restore.add_argument(
        "--as-copy", action="store_true", help="give the result an id of a separate installation"
    )
    move = _command(commands, "move", "copy the embedded database to MySQL, or pictures to a bucket")
    move.add_argument("--to-database", metavar="URL", help="mysql://user:password@host:port/database")
    move.add_argument("--to-media", metavar="URL", help="s3://bucket/prefix or gs://bucket/prefix")
    _add_queues(
        _command(commands, "queues", "watch the job queues; retry, discard or pause jobs", QUEUES_EPILOG)
    )
    doctor = _command(commands, "doctor", "compare cached data with the database, and repair it")
    doctor.add_argument(
        "subject",
        choices=["feeds", "account", "audit", "search", "replicas"],
        help="feeds, counters and post cards in Redis; one account; the audit log of moderators; the search index;"
        " read replicas",
    )
    doctor.add_argument(
        "object",
        nargs="?",
        metavar="ID|NAME|SEQUENCE:HASH",
        help="find what is left of this account; compare the audit log with what an earlier run printed",
    )
    doctor.add_argument("--user", metavar="USERNAME", help="check only the feed of this user")
    doctor.add_argument("--fix", action="store_true", help="repair what differs")
    search = _command(commands, "search", "rebuild the search index")
    search.add_argument(
        "action", choices=["rebuild"], help="make the index again, or go on with an interrupted rebuild"
    )
    _command(commands, "restored", "ignore everything cached before a restore or failover of the database")
    removal = _command(commands, "remove-second-factor", "remove the second factor of a user who lost it")
    removal.add_argument("username")
    _add_import(_command(commands, "import", "import an export of photofeed or Instagram into an account"))
    role = _command(commands, "role", "give a user a role, effective at the next token refresh")
    role.add_argument("username")
    role.add_argument("granted", choices=ROLES, metavar="role", help="user, celebrity, moderator or admin")
    return parser.parse_args(arguments)


def main() -> int:
    """Return the exit code: 0 for a clean end, 1 if work was cut off, 2 for invalid flags or settings."""
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
            f"error: {error.name} is not installed for {python}: run `make setup`, then .venv/bin/python run.py",
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
    parser.add_argument("--once", action="store_true", help="print the table once instead of watching")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", prog="run.py queues")
    for action, text in (
        ("failed", "list failed jobs, newest first"),
        ("retry", "run failed jobs again"),
        ("discard", "delete failed jobs permanently"),
        ("pause", "stop starting jobs of a queue, in every process"),
        ("resume", "start jobs of a paused queue again"),
    ):
        chosen = actions.add_parser(
            action, help=text, description=f"{text.capitalize()}.", allow_abbrev=False
        )
        chosen.set_defaults(action=action)
        _add_config_flag(chosen)
        chosen.add_argument("queue", help=", ".join(QUEUES))
        if action in ("retry", "discard"):
            chosen.add_argument("ids", nargs="*", metavar="ID", help="job id, as shown by `queues failed`")
            chosen.add_argument(
                "--all", action="store_true", dest="everything", help="all failed jobs of the queue"
            )


def _add_migrate(parser: argparse.ArgumentParser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--plan", action="store_true", help="print the statements of pending migrations only")
    chosen.add_argument(
        "--check",
        action="store_true",
        help="exit with 0 if the schema suits this version, 1 if migrations are pending, otherwise 2",
    )
    chosen.add_argument(
        "--down", metavar="N|VERSION", help="undo the last N migrations, or all after the one called VERSION"
    )
    parser.add_argument("--yes", action="store_true", help="undo migrations although that deletes data")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", required=True, metavar="USERNAME", help="the account that gets the posts")
    parser.add_argument("--file", required=True, type=Path, metavar="ZIP", help="the archive")
    parser.add_argument("--dry-run", action="store_true", help="check the archive and change nothing")


def _command(commands: Any, name: str, text: str, epilog: str = "") -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text.capitalize()}.",
        epilog=epilog,
        formatter_class=PLAIN,
        allow_abbrev=False,
    )
    command.set_defaults(command=name)
    _add_config_flag(command)
    return command


# No defaults: those of a command would override flags that precede it.
def _add_config_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="settings file (default: config.toml)",
    )


def _add_serving_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--role",
        choices=["api", "worker", "all"],
        default=argparse.SUPPRESS,
        help="answer requests, run jobs, or both (default: all)",
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
    parser.add_argument(
        "--processes",
        type=_process_count,
        metavar="N",
        default=argparse.SUPPRESS,
        help="run N processes on one port under a supervisor; SIGHUP reloads them one by one",
    )
    # Of the processes that `--processes` starts.
    parser.add_argument("--member", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _process_count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MAX_PROCESSES):
        raise argparse.ArgumentTypeError(f"invalid number {text!r}: expected 1 to {MAX_PROCESSES}")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    os.umask(0o077)  # other users of the machine can read nothing that is created from here on
    # Imported modules stay, so the garbage collector never needs to scan them: scanning took a quarter of the time of
    # a startup and shutdown.
    gc.disable()
    # Imported after parsing, so that --help and invalid flags answer immediately.
    from server import configuration, logs

    flags = {"app.host": arguments.host, "app.port": arguments.port}
    overrides = {key: text for key, text in flags.items() if text is not None}

    def load() -> "Loaded":
        return configuration.load(arguments.config, overrides=overrides)

    loaded = load()
    serving = arguments.command == "serve"
    supervises = (
        serving and arguments.member is None and (arguments.processes is not None or os.getpid() == 1)
    )
    # Log lines would clutter the output of the other commands.
    logs.configure(loaded.settings.log.level if serving else "error", loaded.settings.log.format)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        work = _supervision(arguments, load) if supervises else _work(arguments, loaded)
        gc.freeze()
        # Ten thousand streams are millions of objects, and scanning them all blocks the loop for half a second: the old
        # generation is collected a hundred times less often, the young ones as often as by default.
        gc.set_threshold(700, 10, 1000)
        gc.enable()
        return runner.run(work)


def _work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    # Imported on demand: importing all of them takes three times as long as one.
    match arguments.command:
        case "migrate":
            return _migrate_work(arguments, loaded)
        case "backup" | "restore" | "move":
            return _copy_work(arguments, loaded)
        case "role" | "remove-second-factor":
            return _account_work(arguments, loaded)
        case "restored":
            from server.commands.restored import begin_epoch

            return begin_epoch(loaded.settings)
        case "import":
            from server.commands.import_archive import import_archive

            return import_archive(loaded.settings, arguments.user, arguments.file, dry_run=arguments.dry_run)
        case "doctor":
            return _doctor_work(arguments, loaded)
        case "search":
            from server.commands.search import rebuild_search

            return rebuild_search(loaded.settings)
        case "queues":
            return _queues_work(arguments, loaded)
        case _:
            from server.commands.serve import serve, serve_member

            if arguments.member is not None:
                return serve_member(loaded, arguments.role, STARTED, arguments.member)
            return serve(loaded, arguments.role, STARTED)


def _migrate_work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    from server.commands import migrate

    if arguments.plan:
        return migrate.show_plan(loaded.settings)
    if arguments.check:
        return migrate.check_schema(loaded.settings)
    if arguments.down is not None:
        return migrate.undo(loaded.settings, arguments.down, confirmed=arguments.yes)
    return migrate.migrate(loaded.settings)


def _supervision(arguments: argparse.Namespace, load: "Callable[[], Loaded]") -> Coroutine[Any, Any, int]:
    from server.commands.serve_group import serve_group

    command = [
        str(Path(sys.argv[0]).absolute()),
        "serve",
        f"--role={arguments.role}",
        f"--config={arguments.config}",
    ]
    flags = {"host": arguments.host, "port": arguments.port}
    command += [f"--{name}={text}" for name, text in flags.items() if text is not None]
    return serve_group(load, arguments.role, arguments.processes or 1, command, STARTED)


def _doctor_work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    from server.commands.audit import check_audit_log
    from server.commands.doctor import check_account, check_feeds

    if arguments.subject == "account":
        return check_account(loaded.settings, arguments.object)
    if arguments.subject == "audit":
        return check_audit_log(loaded.settings, arguments.object)
    if arguments.subject == "search":
        from server.commands.search import check_search

        return check_search(loaded.settings, fix=arguments.fix)
    if arguments.subject == "replicas":
        from server.commands.replicas import check_replicas

        return check_replicas(loaded.settings)
    return check_feeds(loaded.settings, arguments.user, fix=arguments.fix)


def _account_work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    if arguments.command == "role":
        from server.commands.role import grant_role

        return grant_role(loaded.settings, arguments.username, arguments.granted)
    from server.commands.second_factor import remove_second_factor

    return remove_second_factor(loaded.settings, arguments.username)


def _copy_work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
    from server.commands import backup

    if arguments.command == "backup":
        return backup.backup(loaded.settings, arguments.folder, verify_only=arguments.verify)
    if arguments.command == "restore":
        return backup.restore(loaded.settings, arguments.folder, as_copy=arguments.as_copy)
    return backup.move(loaded.settings, arguments.to_database, arguments.to_media)


def _queues_work(arguments: argparse.Namespace, loaded: "Loaded") -> Coroutine[Any, Any, int]:
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
    except ImportError:  # not available on Windows
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
