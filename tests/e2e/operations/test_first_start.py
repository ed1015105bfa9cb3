"""First start: MariaDB is migrated by command, the embedded database at startup."""

import socket

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tools.harness.backends import ROOT

VERSIONS = sorted(
    (file.name for file in (ROOT / "migrations" / "mysql" / "models").glob("[0-9]*.py")),
    key=lambda name: int(name.partition("_")[0]),
)


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_mariadb_is_migrated_before_the_first_start(
    new_program: NewProgram, register: Register
) -> None:
    first, again = [await new_program("migrate", cold=True).spawn().end() for _ in range(2)]
    told = [*(f"applying {version}" for version in VERSIONS), f"{len(VERSIONS)} migration(s) applied."]
    assert (first.code, first.out.splitlines()) == (0, told)
    assert (again.code, again.out) == (0, "The database is up to date.\n")
    program = await new_program("--port=0", cold=True).start()
    (ana,) = await register(program, "ana")
    await ana.publish(photos.small())


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_embedded_database_is_migrated_at_startup(new_program: NewProgram, register: Register) -> None:
    program = await new_program("--port=0", cold=True).start()
    (migrated,) = program.logged("migrated")
    assert migrated["migrations"] == len(VERSIONS)
    (ana,) = await register(program, "ana")
    assert await program.interrupt() == 0
    await program.start()
    assert program.logged("migrated") == []
    await ana.publish(photos.small())


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not socket.has_ipv6 or not has_ipv6(), reason="this machine has no IPv6 loopback")
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_all_interfaces_are_shown_as_loopback(new_program: NewProgram, session: ClientSession) -> None:
    program = await new_program("--port=0", HOST="::").start()
    assert program.url == f"http://[::1]:{program.port}"
    for url in (program.url, f"http://127.0.0.1:{program.port}"):
        async with session.get(f"{url}/healthz") as response:
            assert response.status == 200
