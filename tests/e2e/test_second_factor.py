"""A second factor as a client, its owner and a thief who knows the password see it."""

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp.totp import TOTP

from server.models.database import Database
from tests.e2e.conftest import NewProgram, Register
from tests.support.accounts import verify_addresses
from tests.support.program import Answer, Person, Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

IN_CI = os.environ.get("CI") == "true"
VERIFY = "/auth/second-factor/verify"
FACTOR = "/auth/second-factor"


@dataclass(slots=True)
class Owner:
    """A user with a second factor; `codes` are the recovery codes."""

    person: Person
    stack: Stack
    uri: str
    codes: list[str] = field(default_factory=list[str])

    @property
    def secret(self) -> str:
        (secret,) = parse_qs(urlsplit(self.uri).query)["secret"]
        return secret

    async def login(self) -> Answer:
        body = {"username": self.person.username, "password": self.person.password}
        return await nobody(self.person).call("POST", "/auth/login", json=body)

    async def challenge(self) -> str:
        answer = await self.login()
        assert answer.status == 202, answer
        return answer.json["secondFactor"]["challenge"]

    async def verify(self, code: str, challenge: str | None = None) -> Answer:
        body = {"challenge": challenge or await self.challenge(), "code": code}
        return await nobody(self.person).call("POST", VERIFY, json=body)

    async def code(self) -> str:
        """Return a code of now, which becomes valid again if it was used."""
        database = Database(self.stack.database_parameters())
        await database.open()
        await database.execute("UPDATE second_factors SET last_step = 0")
        await database.close()
        return TOTP(self.secret).now()


def nobody(person: Person) -> Person:
    return Person(person.program, person.session, "nobody")


async def set_up(person: Person) -> str:
    """Begin to set up a second factor, and return the URI for the app."""
    setup = await person.call("POST", f"{FACTOR}/setup", json={"password": person.password})
    assert (setup.status, setup.headers["Cache-Control"]) == (200, "no-store")
    return setup.json["uri"]


async def protect(person: Person, stack: Stack) -> Owner:
    owner = Owner(person, stack, await set_up(person))
    confirmed = await person.request("POST", f"{FACTOR}/confirm", json={"code": await owner.code()})
    owner.codes = confirmed["recoveryCodes"]
    return owner


def without_path(answer: Answer) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name != "instance"}


async def test_owner_signs_in_with_an_authenticator(
    program: Program, register: Register, stack: Stack
) -> None:
    if shutil.which("oathtool") is None:
        (pytest.fail if IN_CI else pytest.skip)("install oathtool to test with a real authenticator")
    (ana,) = await register(program, "ana")
    uri = await set_up(ana)
    confirmed = await ana.call("POST", f"{FACTOR}/confirm", json={"code": oathtool(uri)})
    assert confirmed.status == 200, confirmed
    # The code of the next step: the current one was used, and clocks may differ by a step.
    owner, code = Owner(ana, stack, uri), oathtool(uri, "now + 30 seconds")
    answer = await owner.verify(code)
    assert answer.status == 200, answer
    ana.token = answer.json["accessToken"]
    (session,) = [each for each in await ana.list_all("/auth/sessions") if each["current"]]
    assert (session["method"], session["secondFactor"]) == ("password", "totp")
    assert (await owner.verify(code)).status == 401


async def test_second_factor_from_set_up_to_removal(
    program: Program, register: Register, stack: Stack
) -> None:
    (ana,) = await register(program, "ana")
    await verify_addresses(stack)
    status = await ana.request("GET", FACTOR)
    assert status == {"enabled": False, "enabledAt": None, "recoveryCodesLeft": 0}
    assert (await ana.call("POST", f"{FACTOR}/setup", json={})).json["code"] == "reauthentication_required"
    owner = await protect(ana, stack)
    status = await ana.request("GET", FACTOR)
    assert (status["enabled"], status["recoveryCodesLeft"]) == (True, 10)

    challenged = await owner.login()
    assert (challenged.status, challenged.headers["Cache-Control"]) == (202, "no-store")
    assert challenged.json["secondFactor"]["methods"] == ["totp", "recovery_code"]
    assert challenged.json["secondFactor"]["expiresIn"] == 300
    signed_in = await owner.verify(await owner.code())
    assert signed_in.status == 200
    assert {"user", "accessToken", "refreshToken", "deviceToken"} <= set(signed_in.json)
    assert (await owner.verify(owner.codes[0])).status == 200
    assert (await owner.verify(owner.codes[0])).status == 401
    await wait_until(lambda: subjects_include(program, "A recovery code was used"))

    new = await ana.request("POST", f"{FACTOR}/recovery-codes", json={})  # reauthenticated by the set-up
    assert len(new["recoveryCodes"]) == 10
    assert (await ana.call("DELETE", FACTOR, json={})).status == 204
    assert (await owner.login()).status == 200
    assert (await ana.call("DELETE", FACTOR, json={})).status == 404
    await wait_until(lambda: subjects_include(program, "Two-step sign-in was turned off"))
    assert await program.interrupt() == 0
    for secret in (owner.secret, *owner.codes, *new["recoveryCodes"]):
        assert secret not in program.out + program.err


async def test_every_refusal_of_a_code_is_the_same(
    program: Program, register: Register, stack: Stack
) -> None:
    ana, bob = await register(program, "ana", "bob")
    owner, other = await protect(ana, stack), await protect(bob, stack)
    used, exhausted = await owner.challenge(), await owner.challenge()
    good = await owner.code()
    assert (await owner.verify(good, used)).status == 200
    wrong = f"{(int(good) + 1) % 1_000_000:06}"
    refused = [
        await owner.verify(good),  # used before
        await owner.verify(await owner.code(), used),
        await owner.verify(await owner.code(), "no challenge"),
        await owner.verify(other.codes[0]),
        await owner.verify(owner.codes[0], await other.challenge()),
        await owner.verify(owner.codes[0], ana.token[:200]),
        *[await owner.verify(wrong, exhausted) for _ in range(5)],
        await owner.verify(await owner.code(), exhausted),
    ]
    assert {answer.status for answer in refused} == {401}
    (body,) = {str(without_path(answer)) for answer in refused}
    assert "second_factor_failed" in body


async def test_concurrent_requests_with_one_code_open_one_session(
    program: Program, register: Register, stack: Stack
) -> None:
    (ana,) = await register(program, "ana")
    owner = await protect(ana, stack)
    for code in (await owner.code(), owner.codes[0]):
        challenges = [await owner.challenge() for _ in range(8)]
        answers = await asyncio.gather(*(owner.verify(code, each) for each in challenges))
        assert sorted(answer.status for answer in answers) == [200] + [401] * 7


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_guessing_is_delayed_over_all_challenges(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0", THROTTLE_ENABLED="true").start()
    (ana,) = await register(program, "ana")
    owner = await protect(ana, migrated_stack)
    wrong = f"{(int(await owner.code()) + 1) % 1_000_000:06}"
    answers: list[Answer] = []
    for _ in range(3):
        challenge = await owner.challenge()
        answers += [await owner.verify(wrong, challenge) for _ in range(5)]
    assert [answer.status for answer in answers] == [401] * 10 + [429] * 5
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert (await owner.verify(await owner.code())).status == 429


async def test_stolen_token_changes_nothing(program: Program, register: Register, stack: Stack) -> None:
    (ana,) = await register(program, "ana")
    owner = await protect(ana, stack)
    thief = Person(program, ana.session, "ana", password=ana.password)
    thief.token = (await owner.verify(owner.codes[0])).json["accessToken"]
    await forget_proofs(stack)
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/auth/change-email", {"newEmail": "thief@example.com"}),
        ("POST", "/auth/change-password", {"newPassword": "another good password"}),
        ("POST", "/users/profile/deactivate", {}),
        ("DELETE", "/users/profile", {}),
        ("DELETE", FACTOR, {}),
        ("POST", f"{FACTOR}/recovery-codes", {}),
        ("POST", f"{FACTOR}/setup", {}),
    ]
    for method, path, body in changes:
        member = "oldPassword" if path == "/auth/change-password" else "password"
        for given in ({}, {member: ana.password}, {"code": owner.codes[1]}):
            refused = await thief.call(method, path, json={**body, **given})
            assert (refused.status, refused.json["code"]) == (403, "reauthentication_required"), path
        refused = await thief.call(method, path, json={**body, member: ana.password, "code": "123456"})
        assert (refused.status, refused.json["code"]) == (422, "wrong_code"), path
    assert (await ana.request("GET", FACTOR))["recoveryCodesLeft"] == 9
    proof = {"password": ana.password, "code": owner.codes[1]}
    assert await ana.request("POST", "/auth/reauthenticate", json=proof) == {"expiresIn": 300}
    assert (await ana.call("DELETE", "/users/profile", json={})).status == 202


async def test_repeated_registration_does_not_bypass_the_second_factor(
    program: Program, register: Register, stack: Stack
) -> None:
    (eve,) = await register(program, "eve")
    body = {"username": "ana", "email": "ana@example.com", "password": eve.password}
    headers = {"Idempotency-Key": "a key of the tests"}
    ana = nobody(eve)
    registered = await ana.call("POST", "/auth/register", json=body, headers=headers)
    assert registered.status == 201
    repeated = await ana.call("POST", "/auth/register", json=body, headers=headers)
    assert repeated.status == 201
    owner = Person(program, eve.session, "ana", token=repeated.json["accessToken"], password=eve.password)
    await protect(owner, stack)
    refused = await ana.call("POST", "/auth/register", json=body, headers=headers)
    assert (refused.status, refused.json["code"]) == (401, "second_factor_required")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_second_factors_outlive_the_signing_secret(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    old, new = "an old secret, long enough " * 2, "a new secret, long enough " * 2
    program = await new_program("--port=0", JWT_REFRESH_SECRET=old).start()
    (ana,) = await register(program, "ana")
    owner = await protect(ana, migrated_stack)
    await program.interrupt()
    ana.program = await new_program("--port=0", JWT_REFRESH_SECRET=new, SECOND_FACTOR_SECRET=old).start()
    for code in (await owner.code(), owner.codes[0]):
        assert (await owner.verify(code)).status == 200
    await ana.program.interrupt()
    ana.program = await new_program("--port=0", JWT_REFRESH_SECRET=new).start()
    for code in (await owner.code(), owner.codes[1]):
        assert (await owner.verify(code)).status == 401
    assert ana.program.logged("second_factor_unreadable")


async def forget_proofs(stack: Stack) -> None:
    database = Database(stack.database_parameters())
    await database.open()
    await database.execute("UPDATE sessions SET reauthenticated_at_ms = NULL")
    await database.close()


async def subjects_include(program: Program, subject: str) -> bool:
    return any(line["subject"] == subject for line in program.logged("email_written_to_outbox"))


def oathtool(uri: str, at: str = "now") -> str:
    """Return the code that Debian's oathtool computes from the secret in the URI."""
    (secret,) = parse_qs(urlsplit(uri).query)["secret"]
    command = ["oathtool", "--totp", "--base32", f"--now={at}", secret]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
