"""Passkeys in Chromium with its virtual authenticator, on a running server."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from tests.e2e.conftest import NewProgram, Register
from tests.support.chromium import Page
from tests.support.program import Person, Program
from tools.harness.backends import Stack

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(180),
]
CREATE = """
(async () => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(%s);
  return (await navigator.credentials.create({ publicKey })).toJSON();
})()
"""
GET = """
(async () => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(%s);
  return (await navigator.credentials.get({ publicKey })).toJSON();
})()
"""


@pytest.fixture
async def page_origin() -> AsyncIterator[str]:
    """Serve an empty page on another port, as a client on `localhost` has one; return its origin."""

    async def empty(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>A client</title>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/", empty)
    async with TestServer(application) as server:
        yield f"http://localhost:{server.port}"


@pytest.fixture
async def program(migrated_stack: Stack, new_program: NewProgram, page_origin: str) -> Program:
    return await new_program("--port=0", PASSKEY_SITE="localhost", PASSKEY_ORIGINS=page_origin).start()


@pytest.fixture
async def authenticator(page: Page, page_origin: str) -> str:
    """Open the client with a virtual authenticator, whose user is verified; return the authenticator's id."""
    await page.call("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        "defaultBackupEligibility": True,
        "defaultBackupState": True,
    }
    added = await page.call("WebAuthn.addVirtualAuthenticator", options=options)
    await page.open(f"{page_origin}/")
    return added["authenticatorId"]


async def create(page: Page, options: dict[str, Any]) -> Any:
    return await page.evaluate(CREATE % json.dumps(options["publicKey"]))


async def get(page: Page, options: dict[str, Any]) -> Any:
    return await page.evaluate(GET % json.dumps(options["publicKey"]))


async def add_passkey(page: Page, ada: Person) -> dict[str, Any]:
    options = await ada.request("POST", "/auth/passkeys/register/begin", json={"password": ada.password})
    body = {"credential": await create(page, options), "name": "Laptop"}
    return await ada.request("POST", "/auth/passkeys/register/finish", json=body)


async def test_passkey_signs_in_and_reauthenticates(
    program: Program, page: Page, authenticator: str, register: Register, session: ClientSession
) -> None:
    (ada,) = await register(program, "ada")
    thief = await ada.call("POST", "/auth/passkeys/register/begin", json={})
    assert (thief.status, thief.json["code"]) == (403, "reauthentication_required")
    passkey = await add_passkey(page, ada)
    assert (passkey["name"], passkey["backupEligible"], passkey["backedUp"]) == ("Laptop", True, True)

    somebody = Person(program, session, username="")
    options = await somebody.request("POST", "/auth/passkeys/sign-in/begin")
    credential = await get(page, options)
    signed_in = await somebody.request(
        "POST", "/auth/passkeys/sign-in/finish", json={"credential": credential}
    )
    assert signed_in["user"]["username"] == "ada"
    repeated = await somebody.call("POST", "/auth/passkeys/sign-in/finish", json={"credential": credential})
    assert (repeated.status, repeated.json["code"]) == (401, "invalid_passkey")

    somebody.token = signed_in["accessToken"]
    (current,) = [each for each in await somebody.list_all("/auth/sessions") if each["current"]]
    assert current["method"] == "passkey"
    methods = await somebody.request("GET", "/auth/methods")
    assert methods == {"password": True, "providers": [], "passkeys": 1, "secondFactor": False}

    other = await ada.on_another_device()
    refused = await other.call("DELETE", f"/auth/passkeys/{passkey['id']}")
    assert (refused.status, refused.json["code"]) == (403, "reauthentication_required")
    options = await other.request("POST", "/auth/passkeys/reauthenticate/begin")
    credential = await get(page, options)
    proof = await other.call("POST", "/auth/passkeys/reauthenticate/finish", json={"credential": credential})
    assert (proof.status, proof.json) == (200, {"expiresIn": 300})
    assert (await other.call("DELETE", f"/auth/passkeys/{passkey['id']}")).status == 204
    assert await other.list_all("/auth/passkeys") == []


async def test_browser_does_not_create_a_second_passkey(
    program: Program, page: Page, authenticator: str, register: Register
) -> None:
    (ada,) = await register(program, "ada")
    await add_passkey(page, ada)
    options = await ada.request("POST", "/auth/passkeys/register/begin", json={})
    with pytest.raises(AssertionError, match="InvalidStateError"):
        await create(page, options)
    stored = await page.call("WebAuthn.getCredentials", authenticatorId=authenticator)
    assert len(stored["credentials"]) == 1
    assert stored["credentials"][0]["isResidentCredential"] is True


async def test_copied_passkey_is_refused(
    program: Program, page: Page, authenticator: str, register: Register
) -> None:
    (ada,) = await register(program, "ada")
    await add_passkey(page, ada)
    (copy,) = (await page.call("WebAuthn.getCredentials", authenticatorId=authenticator))["credentials"]
    ada.token = ""
    for _ in range(2):
        options = await ada.request("POST", "/auth/passkeys/sign-in/begin")
        body = {"credential": await get(page, options)}
        assert (await ada.call("POST", "/auth/passkeys/sign-in/finish", json=body)).status == 200
    await page.call(
        "WebAuthn.removeCredential", authenticatorId=authenticator, credentialId=copy["credentialId"]
    )
    await page.call("WebAuthn.addCredential", authenticatorId=authenticator, credential=copy)
    options = await ada.request("POST", "/auth/passkeys/sign-in/begin")
    body = {"credential": await get(page, options)}
    refused = await ada.call("POST", "/auth/passkeys/sign-in/finish", json=body)
    assert (refused.status, refused.json["code"]) == (401, "invalid_passkey")
    assert program.logged("passkey_copied")


async def test_user_who_is_not_verified_is_refused(
    program: Program, page: Page, authenticator: str, register: Register
) -> None:
    (ada,) = await register(program, "ada")
    await add_passkey(page, ada)
    await page.call("WebAuthn.setUserVerified", authenticatorId=authenticator, isUserVerified=False)
    ada.token = ""
    options = await ada.request("POST", "/auth/passkeys/sign-in/begin")
    with pytest.raises(AssertionError, match="NotAllowedError"):
        await get(page, options)
    # A client that does not ask for verification is refused by the server.
    options["publicKey"]["userVerification"] = "discouraged"
    body = {"credential": await get(page, options)}
    refused = await ada.call("POST", "/auth/passkeys/sign-in/finish", json=body)
    assert (refused.status, refused.json["code"]) == (401, "invalid_passkey")
