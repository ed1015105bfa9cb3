"""An installation as the production section of `docs/operations.md` describes it, from nothing.

Each documented block of statements or commands is read from that page. Only its example values are replaced: names of
hosts, folders, passwords and the bucket.
"""

import http.client
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

from server.configuration.environment import FILE_VARIABLES
from tests.support.certificates import Authority
from tests.support.fakes.s3_server import BUCKET, running_s3_server
from tests.support.fakes.smtp_server import FakeSmtpServer
from tests.support.nginx import Nginx
from tests.support.program import KEPT_ENVIRONMENT, Program
from tools.harness.backends import ROOT, start_redis
from tools.harness.servers import DB_USERNAME, MariaDB, free_port

PAGE = ROOT / "docs" / "operations.md"
PREFIX = "photographs"
COMMAND_TIMEOUT_S = 120
SHELL_VARIABLES = ("PWD", "OLDPWD", "SHLVL", "_")
PYTHON = (".venv/bin/python", "run.py")
Kind = TypeVar("Kind", bound=Program)


def documented(language: str, beginning: str, values: Mapping[str, str] | None = None) -> str:
    """Return the only block of the page that begins so, with its example values replaced, each found once."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if block.startswith(beginning)]
    for example, value in (values or {}).items():
        assert block.count(example) == 1, (example, block)
        block = block.replace(example, value)
    return block


class ProxiedProgram(Program):
    """An API process whose clients come through nginx, at `site`."""

    site: str

    @property
    def url(self) -> str:
        return self.site

    @property
    def own_url(self) -> str:
        """The URL of the process itself."""
        return super().url


class Installation:
    """Servers and processes of one installation below `folder`. The processes end with `lose_processes`."""

    def __init__(self, folder: Path, closing: ExitStack, *, fresh: bool) -> None:
        """Start the servers, which `closing` stops.

        `fresh` installs the dependencies from the package index, as an empty machine does.
        """
        self._folder = folder
        self._closing = closing
        self._start_servers()
        self.checkout = self._check_out(own_dependencies=fresh)
        self._setup, *self._commands = documented("sh", "make setup").splitlines()
        if fresh:
            self.run(self._setup, {})
        self.environ = self._environ()
        self.apis = [self._api(port) for port in self.nginx.ports]
        self.workers = [self._worker(number) for number in (1, 2)]

    def _start_servers(self) -> None:
        authority = Authority(self._folder / "authority", "authority")
        self._authority = authority.certificate
        own = authority.sign("database", "127.0.0.1")
        required = {"ssl-cert": own.certificate, "ssl-key": own.key, "require-secure-transport": "ON"}
        self.mariadb = MariaDB(self._folder / "mariadb", options=required)
        self._closing.callback(self.mariadb.stop)
        self.mariadb.install().query(f"DROP USER {DB_USERNAME}@'%'")  # the documented statements create one
        self.redis = start_redis(self._folder / "redis")
        self._closing.callback(self.redis.stop)
        self.bucket_server = self._closing.enter_context(running_s3_server())
        self.smtp = FakeSmtpServer()
        self._closing.callback(self.smtp.stop)
        self.smtp.start()
        self.nginx = Nginx(self._folder / "nginx", [free_port(), free_port()])
        self._closing.callback(self.nginx.stop)
        self.nginx.start()

    async def lose_processes(self) -> None:
        """Kill all processes, as a power cut does."""
        for program in (*self.apis, *self.workers):
            if program.running:
                await program.kill()

    def create_database(self) -> None:
        """Create the database and its user."""
        self.mariadb.query(documented("sql", "CREATE DATABASE"))

    def destroy_data(self) -> None:
        """Delete the database with its user, all pictures, and what Redis has."""
        self.mariadb.query("DROP DATABASE instagram_clone; DROP USER photofeed@'%'")
        self._call_bucket_server("POST", "/moto-api/reset")
        self._call_bucket_server("PUT", f"/{BUCKET}")
        self.redis.flush()

    def migrate(self) -> None:
        self.run(self._commands[0])

    def backup(self) -> None:
        """Back up while the processes run, and verify the backup."""
        commands = documented("sh", ".venv/bin/python run.py backup")
        assert len(commands.splitlines()) == commands.count(" /backups/") == 2, commands
        self.run(commands.replace("/backups", self._backups))

    def restore(self) -> None:
        self.run(documented("sh", ".venv/bin/python run.py restore", {"/backups": self._backups}))

    def check_caches(self) -> None:
        """Compare the caches with the database; a difference raises AssertionError."""
        self.run(documented("sh", ".venv/bin/python run.py doctor feeds").splitlines()[0])

    def run(self, script: str, environ: Mapping[str, str] | None = None) -> str:
        """Run documented commands in the program's folder and return what they print.

        Raises AssertionError with their output if one fails.
        """
        chosen = self.environ if environ is None else environ
        ran = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.checkout,
            env={**inherited(), **chosen},
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    @property
    def metrics_token(self) -> str:
        return Path(self.environ["METRICS_TOKEN_FILE"]).read_text()

    @property
    def _backups(self) -> str:
        return str(self._folder / "backups")

    def _check_out(self, *, own_dependencies: bool) -> Path:
        """Copy the program, without what this machine has in its folder."""
        folder = self._folder / "photofeed"
        left_out = shutil.ignore_patterns(".*", "var", "tests", "benchmarks", "docs", "deploy")
        shutil.copytree(ROOT, folder, ignore=left_out)
        if not own_dependencies:
            (folder / ".venv" / "bin").mkdir(parents=True)
            (folder / ".venv" / "bin" / "python").write_text(
                f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
            )
            (folder / ".venv" / "bin" / "python").chmod(0o700)
        return folder

    def _environ(self) -> dict[str, str]:
        """Return the variables that the documented exports set, with secrets in files."""
        exports = documented(
            "sh",
            "export APP_ENV=production",
            {
                "https://photos.example.com": self.nginx.url,
                "HOST=0.0.0.0": "HOST=127.0.0.1",
                "10.0.0.0/8": "127.0.0.1",
                "db.example.com": "127.0.0.1",
                "DB_PASSWORD=...": "DB_PASSWORD='a long random password'",
                "/etc/photofeed/db-authority.pem": str(self._authority),
                "redis.example.com": "127.0.0.1",
                "smtp.example.com": "127.0.0.1",
                "EMAIL_PASS=...": "EMAIL_PASS=right",
                "s3://bucket/prefix": f"s3://{BUCKET}/{PREFIX}",
            },
        )
        printed = self.run(f"{exports}\nenv -0", {})
        variables = dict(line.split("=", 1) for line in printed.split("\0") if line)
        chosen = {
            name: value for name, value in variables.items() if name not in (*inherited(), *SHELL_VARIABLES)
        }
        secrets = self._folder / "secrets"
        secrets.mkdir(mode=0o700)
        for file_variable, name in FILE_VARIABLES.items():
            if name in chosen:
                (secrets / name).write_text(chosen.pop(name))
                chosen[file_variable] = str(secrets / name)
        return {**chosen, **self._own_addresses()}

    def _own_addresses(self) -> dict[str, str]:
        """Return what differs from the defaults because every server of the test has its own port."""
        return {
            "DB_PORT": str(self.mariadb.port),
            "REDIS_PORT": str(self.redis.port),
            "EMAIL_PORT": str(self.smtp.port),
            "EMAIL_TLS": "none",
            "AWS_ENDPOINT_URL": self.bucket_server,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "something",
        }

    def _api(self, port: int) -> ProxiedProgram:
        (_, command, _) = self._commands
        program = self._program(ProxiedProgram, f"api-{port}", command, {"PORT": str(port)})
        program.site = self.nginx.url
        return program

    def _worker(self, number: int) -> Program:
        (_, _, command) = self._commands
        return self._program(Program, f"worker-{number}", command, {})

    def _program(self, kind: type[Kind], name: str, command: str, changes: Mapping[str, str]) -> Kind:
        """Return a process that the documented command starts, with a folder for its data and output."""
        home = self._folder / name
        home.mkdir()
        environ = {**self.environ, "VAR_DIR": str(home / "var"), "LOG_FORMAT": "json", **changes}
        config, script = self.checkout / "config.toml", self.checkout / "run.py"
        python = self.checkout / PYTHON[0]
        return kind(home, environ, *arguments_of(command), config=config, script=script, python=python)

    def _call_bucket_server(self, method: str, path: str) -> None:
        connection = http.client.HTTPConnection(self.bucket_server.removeprefix("http://"), timeout=10)
        with closing(connection):
            connection.request(method, path)
            assert connection.getresponse().status == 200


def arguments_of(command: str) -> list[str]:
    """Return the flags of a documented command that starts the program."""
    words = shlex.split(command, comments=True)
    assert tuple(words[:2]) == PYTHON, command
    return words[2:]


def inherited() -> dict[str, str]:
    """Return the variables that commands get from this process."""
    return {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
