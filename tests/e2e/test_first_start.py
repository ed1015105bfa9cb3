"""Where the tables come from: an operator makes those of MariaDB, the embedded database gets its own."""

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support import photos
from tests.support.backends import ROOT

VERSIONS = sorted(file.name for file in (ROOT / "migrations" / "mysql" / "models").glob("[0-9]*.py"))


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_an_operator_makes_the_tables_before_the_first_start(
    new_program: NewProgram, register: Register
) -> None:
    first, again = [await new_program("migrate", cold=True).spawn().end() for _ in range(2)]
    told = [*(f"applying {version}" for version in VERSIONS), f"{len(VERSIONS)} migration(s) applied."]
    assert (first.code, first.out.splitlines()) == (0, told)
    assert (again.code, again.out) == (0, "The schema is up to date.\n")
    program = await new_program("--port=0", cold=True).start()
    (ana,) = await register(program, "ana")
    await ana.publish(photos.small())


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_the_embedded_database_gets_its_tables_at_the_first_start(
    new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0", cold=True).start()
    (migrated,) = program.logged("migrated")
    assert migrated["migrations"] == len(VERSIONS)
    (ana,) = await register(program, "ana")
    assert await program.interrupt() == 0
    await program.start()
    assert program.logged("migrated") == []
    await ana.publish(photos.small())
