"""Write the next migration of both dialects from the models: `python -m tools.make_migrations NAME`.

Works without a database: it compares the models with the state that the newest migration stores. A NOT NULL column
added to an existing table needs a `db_default`. Review the migration before you commit it.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from aerich import Command

from server.models.database import DatabaseParameters
from server.models.schema.migration_file import MigrationFile, breaking_statements

MIGRATIONS = Path(__file__).parent.parent / "migrations"


async def write(dialect: str, name: str) -> str | None:
    """Write the migration of one dialect and return its file name, or None if the models did not change."""
    parameters = (
        DatabaseParameters(file=Path("unused.sqlite3"))
        if dialect == "sqlite"
        else DatabaseParameters(host="unused")
    )
    config = parameters.tortoise_config(migrating=True)
    command = Command(config, app="models", location=str(MIGRATIONS / dialect))
    if not list((MIGRATIONS / dialect).glob("models/*.py")):
        await command.init_migrations(safe=True)
        return "the first migration"
    await command.init(offline=True)
    written = await command.migrate(name, no_input=True, offline=True)
    if written and dialect == "mysql":
        _name_collation(MIGRATIONS / dialect / "models" / written)
    return written


def _name_collation(file: Path) -> None:
    """Name the collation in the file: aerich omits it, and the default collations treat different emoji as equal."""
    text = file.read_text()
    file.write_text(text.replace("CHARACTER SET utf8mb4", "CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin"))


def _warn_of_breaking(file: Path) -> None:
    """Print which statements older versions of the program cannot work with."""
    statements = asyncio.run(MigrationFile(file).statements("up")) if file.exists() else []
    for statement in breaking_statements(statements):
        print(f"Older versions fail after this; declare COMPATIBLE_FROM, see CONTRIBUTING.md: {statement}")


def main() -> None:
    match sys.argv[1:]:
        case [name] if name.isidentifier():
            # One process per dialect, because aerich keeps its findings in class attributes.
            for dialect in ("sqlite", "mysql"):
                subprocess.run([sys.executable, "-m", "tools.make_migrations", name, dialect], check=True)
        case [name, ("sqlite" | "mysql") as dialect]:
            os.environ.setdefault("AERICH_MYSQL_VERSION", "8.0")
            written = asyncio.run(write(dialect, name))
            print(f"{dialect}: {written or 'the models did not change'}")
            if written:
                _warn_of_breaking(MIGRATIONS / dialect / "models" / written)
        case _:
            sys.exit(
                "usage: python -m tools.make_migrations NAME    (NAME: an identifier that describes the change)"
            )


if __name__ == "__main__":
    main()
