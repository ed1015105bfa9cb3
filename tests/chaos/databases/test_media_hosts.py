"""R25: API hosts and workers with different VAR_DIRs start only if they share a media store."""

from urllib.parse import urlsplit

import pytest

from tests.chaos.conftest import Report
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.parametrize("stack", ["mariadb"], indirect=True),
    pytest.mark.usefixtures("migrated_stack"),
]


def host(new_program: NewProgram, stack: Stack, name: str, role: str, **environ: str) -> Program:
    """Return the program of a host with its own data folder."""
    return new_program(f"--role={role}", "--port=0", VAR_DIR=str(stack.var_dir / name), **environ)


async def test_hosts_with_their_own_folders_are_refused(stack: Stack, new_program: NewProgram) -> None:
    await host(new_program, stack, "first", "api").start()
    for role in ("api", "worker"):
        ended = await host(new_program, stack, f"another-{role}", role).spawn().end()
        assert ended.code == 2
        assert ended.err.startswith("error: The media store at ")
        assert "set UPLOAD_DEST or MEDIA_URL to the store that all processes share" in ended.err
        assert len(ended.err.splitlines()) == 1


async def test_deleted_pictures_are_gone_on_every_host(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    shared = str(stack.var_dir / "shared")
    one, two, _ = [
        await host(new_program, stack, name, role, UPLOAD_DEST=shared).start()
        for name, role in (("one", "api"), ("two", "api"), ("three", "worker"))
    ]
    (ana,) = await register(one, "ana")
    post = await ana.publish(photos.small(), photos.small(1))
    paths = [urlsplit(url).path for image in post["images"] for url in image["variants"].values()]
    assert await statuses(ana, (one, two), paths) == {200}
    assert (await ana.call("DELETE", f"/posts/{post['id']}")).ok

    async def all_gone() -> bool:
        return await statuses(ana, (one, two), paths) == {404}

    await wait_until(all_gone)
    report(
        f"R25: hosts without a shared store are refused; {len(paths)} pictures of a deleted post gone on both"
    )


async def statuses(person: Person, programs: tuple[Program, ...], paths: list[str]) -> set[int]:
    return {
        (await person.call("GET", f"{program.url}{path}")).status for program in programs for path in paths
    }
