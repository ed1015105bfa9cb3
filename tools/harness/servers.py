"""Private servers for tests: Redis or Valkey, and MariaDB.

Each server has its own folder and listens on loopback or a unix socket. It is stopped by its pid at the end, and by the
kernel if the tests are killed.
"""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tools.harness.waiting import wait_until_blocking

SCRATCH_PREFIX = "photofeed-tests-"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
PR_SET_PDEATHSIG = 1
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
# Below the ephemeral ports, so that a killed server gets its port back.
PORTS = range(18_000, 30_000)
DB_USERNAME = "photofeed"
DB_PASSWORD = "the password of the tests"
PLAIN_USERNAME = "plain"


def find_program(*names: str) -> str | None:
    """Return the path of the first installed program."""
    return next((path for name in names if (path := shutil.which(name, path=PATHS))), None)


def make_scratch() -> Path:
    """Create a scratch folder, in memory if possible, and remove those of killed runs."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    for old in parent.glob(f"{SCRATCH_PREFIX}*"):
        if not Path(f"/proc/{old.name.removeprefix(SCRATCH_PREFIX).split('-')[0]}").exists():
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}{os.getpid()}-", dir=parent))


def free_port() -> int:
    """Return a free loopback port."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found on loopback.")


class Server:
    """One server process on one folder. It can be restarted on the same data and address."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log_file = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> Self:
        """Start the server and wait until it answers.

        Raises RuntimeError with the end of the log if it exits instead. The server is killed with the thread that
        started it, so call this on the main thread.
        """
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C must reach the tests only, which stop their servers
                preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
            )
        wait_until_blocking(self._answers_or_died, START_TIMEOUT_S, f"{type(self).__name__} to answer")
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._command()[0]} exited at once:\n{self._log_tail()}")
        return self

    def stop(self) -> None:
        """Terminate the server, and kill it if that takes too long. Does nothing if it is not running."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server with SIGKILL and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Send SIGSTOP: connections stay open without answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _answers_or_died(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None or self._answers()

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _log_tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2000:]


class RedisServer(Server):
    """Valkey on a unix socket (`port` 0) or Redis on a loopback port.

    `durable` keeps an append-only file; `options` are options of its configuration file.
    """

    def __init__(
        self, folder: Path, program: str, *, port: int = 0, durable: bool = False, **options: str
    ) -> None:
        super().__init__(folder)
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{folder}/redis.sock"
        self._program = program
        self._durable = durable
        self._options = {name.replace("_", "-"): value for name, value in options.items()}

    def _command(self) -> Sequence[str]:
        options = {
            "dir": str(self.folder),
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": f"{self.folder}/redis.sock",
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "maxmemory-policy": "noeviction",
            **self._options,
        }
        return [self._program, *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except (RedisConnectionError, RedisTimeoutError):
                return False

    def client(self) -> Redis:
        """Return a blocking client for inspection."""
        return Redis.from_url(self.url, socket_timeout=5, decode_responses=True)

    def flush(self) -> None:
        """Empty the server, including scripts and consumer groups."""
        with self.client() as client:
            client.flushall()
            client.script_flush()

    def connections(self) -> int:
        """Count the connected clients, without the caller."""
        with self.client() as client:
            return len(client.client_list()) - 1

    def keys_without_expiry(self, allowed: Sequence[str]) -> list[str]:
        """Return the keys without expiry that match none of the `allowed` patterns."""
        with self.client() as client:
            keys: list[str] = sorted(client.scan_iter(count=1000))
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.ttl(key)
                lives = pipeline.execute()
        return [
            key
            for key, ttl in zip(keys, lives, strict=True)
            if ttl == -1 and not any(fnmatchcase(key, pattern) for pattern in allowed)
        ]


class MariaDB(Server):
    """MariaDB on a loopback port. Unless `durable`, commits are not synced, for speed.

    Time zone and default collation differ from what the program needs, so that a missing setting shows.
    """

    def __init__(
        self, folder: Path, *, durable: bool = False, options: Mapping[str, object] | None = None
    ) -> None:
        """`options` are more lines of its configuration file."""
        super().__init__(folder)
        self.port = free_port()
        self._durable = durable
        self._more_options = dict(options or {})
        self._program = find_program("mariadbd") or "mariadbd"
        self._config = folder / "my.cnf"
        self._socket = folder / "mariadb.sock"

    def install(self) -> Self:
        """Create the system tables and the test user, once before the first start."""
        self.configure()
        install = find_program("mariadb-install-db") or "mariadb-install-db"
        command = [install, f"--defaults-file={self._config}", "--auth-root-authentication-method=normal"]
        done = subprocess.run([*command, "--skip-test-db"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        self.start()
        self.query(
            f"CREATE USER {DB_USERNAME}@'%' IDENTIFIED BY '{DB_PASSWORD}'; GRANT ALL ON *.* TO {DB_USERNAME}@'%'"
        )
        return self

    def configure(self) -> None:
        """Write the configuration file, once before the first start."""
        (self.folder / "tmp").mkdir()
        self._config.write_text(self._options())

    def query(self, sql: str, database: str = "") -> str:
        """Run statements as root. Return the output: one line per row, columns separated by tabs."""
        client = find_program("mariadb", "mysql") or "mariadb"
        command = [client, f"--defaults-file={self._config}", "--user=root", "--batch", "--skip-column-names"]
        done = subprocess.run([*command, database], input=sql, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def grant_plain_user(self, database: str) -> str:
        """Return the name of a user with all rights on `database` only, so that `read_only` binds it."""
        self.query(
            f"CREATE USER IF NOT EXISTS {PLAIN_USERNAME}@'%' IDENTIFIED BY '{DB_PASSWORD}';"
            f" GRANT ALL ON {database}.* TO {PLAIN_USERNAME}@'%'"
        )
        return PLAIN_USERNAME

    def kill_connections(self, username: str) -> None:
        """End the connections of a user, as an administrator or a failover does."""
        ids = self.query(f"SELECT id FROM information_schema.processlist WHERE user = '{username}'").split()
        self.query("".join(f"KILL {number};" for number in ids) or "SELECT 1")

    @contextmanager
    def setting(self, name: str, value: object) -> Iterator[None]:
        """Set a global variable for the duration of the context."""
        before = self.query(f"SELECT @@GLOBAL.{name}").strip()
        self.query(f"SET GLOBAL {name} = {value}")
        try:
            yield
        finally:
            self.query(f"SET GLOBAL {name} = {before}")

    def dump(self, database: str) -> str:
        """Return the statements that recreate `database`."""
        program = find_program("mariadb-dump", "mysqldump") or "mariadb-dump"
        command = [
            program,
            f"--defaults-file={self._config}",
            "--user=root",
            "--skip-comments",
            "--skip-triggers",
        ]
        return subprocess.run([*command, database], capture_output=True, text=True, check=True).stdout

    def connections(self, database: str) -> int:
        """Count the clients of `database`."""
        return int(self.query(f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{database}'"))

    def _command(self) -> Sequence[str]:
        return [self._program, f"--defaults-file={self._config}"]

    def _answers(self) -> bool:
        try:
            self.query("SELECT 1")
        except RuntimeError:
            return False
        return True

    def _options(self) -> str:
        server = {
            "datadir": f"{self.folder}/data",
            "tmpdir": f"{self.folder}/tmp",  # private, because a starting server empties it
            "socket": str(self._socket),
            "bind-address": "127.0.0.1",
            "port": str(self.port),
            "pid-file": f"{self.folder}/mariadb.pid",
            "user": "root" if os.getuid() == 0 else "",
            "skip-networking": "0",
            "skip-name-resolve": "1",
            "performance-schema": "0",
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "32M",
            "innodb-flush-log-at-trx-commit": "1" if self._durable else "0",
            "innodb-doublewrite": "1" if self._durable else "0",
            "max-connections": "200",
            "default-time-zone": "+05:30",
            "character-set-server": "latin1",
            **self._more_options,
        }
        lines = [f"{name}={value}" for name, value in server.items() if value]
        return "\n".join(["[mariadbd]", *lines, "[client]", f"socket={self._socket}", ""])


_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
