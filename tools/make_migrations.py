"""Write the next migration of both dialects from the models: `python -m tools.make_migrations NAME`.

Works without a database, by comparing the models with the state kept in the newest migration. Read what it wrote
before committing it: MySQL tables must end in `COLLATE=utf8mb4_bin`, which aerich does not know of.
"""

import asyncio
import sys
from pathlib import Path

from aerich import Command

from server.models.database import DatabaseParameters

MIGRATIONS = Path(__file__).parent.parent / "migrations"


async def write(dialect: str, name: str) -> str | None:
    parameters = (
        DatabaseParameters(file=Path("unused.sqlite3"))
        if dialect == "sqlite"
        else DatabaseParameters(host="unused")
    )
    command = Command(parameters.tortoise_config(), app="models", location=str(MIGRATIONS / dialect))
    if not list((MIGRATIONS / dialect).glob("models/*.py")):
        await command.init_migrations(safe=True)
        return "the first migration"
    await command.init(offline=True)
    return await command.migrate(name, no_input=True, offline=True)


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].isidentifier():
        sys.exit("usage: python -m tools.make_migrations NAME    (NAME: a word that says what changes)")
    for dialect in ("sqlite", "mysql"):
        written = asyncio.run(write(dialect, sys.argv[1]))
        print(f"{dialect}: {written or 'nothing to do'}")


if __name__ == "__main__":
    main()
