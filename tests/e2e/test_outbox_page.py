"""`/dev/outbox`: e-mails and pushes of development, shown to a browser on this machine only."""

import re

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.program import Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)


@pytest.fixture
async def program(migrated_stack: Stack, new_program: NewProgram) -> Program:
    return await new_program("--port=0", APP_ENV="development").start()


@ON_EMBEDDED
async def test_emails_and_pushes_are_shown(
    program: Program, register: Register, session: ClientSession
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ana.request("POST", "/devices", json={"token": "phone", "platform": "android"})
    await ben.follow(ana)

    async def page() -> str:
        async with session.get(f"{program.url}/dev/outbox") as answer:
            assert answer.status == 200
            return await answer.text()

    async def has_push() -> str | None:
        text = await page()
        return text if ".push.json" in text and "Confirm your e-mail address" in text else None

    text = await wait_until(has_push)
    (email,) = re.findall(r"\?message=(email\.verification-[^\"]+\.eml)\"[^>]*>\s.*\s.*\s.*\s.*ana@", text)
    async with session.get(f"{program.url}/dev/outbox/{email}") as answer:
        assert answer.headers["Content-Security-Policy"].endswith(
            "sandbox allow-popups allow-popups-to-escape-sandbox"
        )
        html = await answer.text()
    assert '<base target="_blank">' in html
    assert "/verify-email?token=" in html
    push = re.findall(r"\?message=([^\"]+\.push\.json)", text)[0]
    async with session.get(f"{program.url}/dev/outbox?message={push}") as answer:
        shown = await answer.text()
    assert "ben" in shown
    assert "follow" in shown


@ON_EMBEDDED
@pytest.mark.parametrize(
    "headers", [{"Host": "photos.example.com"}, {"X-Forwarded-For": "192.0.2.1"}, {"Via": "1.1 proxy"}]
)
async def test_other_machines_do_not_see_the_outbox(
    program: Program, session: ClientSession, headers: dict[str, str]
) -> None:
    async with session.get(f"{program.url}/dev/outbox", headers=headers) as answer:
        assert answer.status == 404


@ON_EMBEDDED
@pytest.mark.parametrize("name", ["..%2fphotofeed.sqlite3", "nothing.eml", "..%2f..%2fsecret.eml"])
async def test_other_files_are_not_found(program: Program, session: ClientSession, name: str) -> None:
    async with session.get(f"{program.url}/dev/outbox/{name}") as answer:
        assert answer.status == 404


@ON_EMBEDDED
async def test_production_has_no_outbox_page(
    migrated_stack: Stack, new_program: NewProgram, session: ClientSession
) -> None:
    program = await new_program("--port=0", APP_ENV="test").start()
    async with session.get(f"{program.url}/dev/outbox") as answer:
        assert answer.status == 404
