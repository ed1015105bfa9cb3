"""Verification, change and recovery of e-mail addresses, as a client and a thief see them."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form
from tools.harness.waiting import wait_until

CONFIRM, CHANGED = "Confirm your e-mail address", "Your e-mail address was changed"


async def link_token(program: Program, to: str, subject: str, path: str) -> str:
    """Wait for an e-mail in the outbox and return the token of its link to a page of the client."""

    async def find() -> list[str]:
        written = [line for line in program.logged("email_written_to_outbox") if line["subject"] == subject]
        emails = [_read(Path(line["file"])) for line in written]
        return [_text(each) for each in emails if each["To"] == to]

    text = (await wait_until(find))[-1]
    (link,) = re.findall(r"http\S+", text)
    assert urlsplit(link).path == path
    return urlsplit(link).query.removeprefix("token=")


def _read(file: Path) -> EmailMessage:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _text(email: EmailMessage) -> str:
    part = email.get_body(("plain",))
    assert part is not None
    return part.get_content()


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.usefixtures("migrated_stack")
async def test_address_is_verified_changed_and_recovered(
    new_program: NewProgram, register: Register, session: ClientSession
) -> None:
    program = await new_program("--port=0", REQUIRE_VERIFIED_EMAIL="true").start()
    (ana,) = await register(program, "ana")
    refused = await ana.call("POST", "/posts", data=photo_form(photos.small()))
    assert (refused.status, refused.json["code"]) == (403, "email_not_verified")
    nobody = Person(program, session, "nobody")
    token = await link_token(program, "ana@example.com", CONFIRM, "/verify-email")
    assert (await nobody.call("POST", "/auth/verify-email", json={"token": token})).status == 204
    profile = await ana.request("GET", "/users/profile")
    assert (profile["email"], profile["emailVerified"], profile["pendingEmail"]) == (
        "ana@example.com", True, None,
    )  # fmt: skip
    await ana.publish(photos.small())

    # A stolen access token does not become the account.
    stolen = await ana.call("PUT", "/users/profile", json={"email": "thief@example.com"})
    assert (stolen.status, stolen.json["errors"]) == (
        422, {"email": ["Change the e-mail address with POST /auth/change-email."]},
    )  # fmt: skip
    body = {"password": "not the password", "newEmail": "thief@example.com"}
    assert (await ana.call("POST", "/auth/change-email", json=body)).json["code"] == "wrong_password"

    # With the password it does, until the owner of the previous address takes it back.
    body["password"] = ana.password
    assert (await ana.call("POST", "/auth/change-email", json=body)).status == 202
    token = await link_token(program, "thief@example.com", CONFIRM, "/verify-email")
    assert (await nobody.call("POST", "/auth/verify-email", json={"token": token})).status == 204
    token = await link_token(program, "ana@example.com", CHANGED, "/recover-account")
    recovered = await nobody.request("POST", "/auth/recover-account", json={"token": token})
    assert (await ana.call("GET", "/users/profile")).status == 401
    body = {"token": recovered["resetToken"], "newPassword": "a password that is new"}
    assert (await nobody.call("POST", "/auth/reset-password", json=body)).status == 200
    owner = await Person(program, session, "ana@example.com", password="a password that is new").sign_in()
    assert (await owner.request("GET", "/users/profile"))["email"] == "ana@example.com"

    # No answer reveals whether an address is taken.
    answers = [
        await nobody.call(
            "POST",
            "/auth/register",
            json={"username": name, "email": email, "password": "a password of the tests"},
        )
        for name, email in (("ben", "ANA@example.com"), ("eve", "free@example.com"))
    ]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json.keys() == answers[1].json.keys()
    ben = await Person(program, session, "ben").sign_in()
    changes = [
        await ben.call("POST", "/auth/change-email", json={"password": ben.password, "newEmail": email})
        for email in ("ana@example.com", "another@example.com")
    ]
    assert {(answer.status, answer.content) for answer in changes} == {(202, b"")}
