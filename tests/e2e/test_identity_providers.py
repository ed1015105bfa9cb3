"""Sign-in with an identity provider on a running server."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.fakes.oidc_issuer import CLIENT_ID, NONCE, FakeIssuer
from tests.support.program import Person, Program, config_file
from tools.harness.backends import Stack

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
PATH = "/auth/oidc/acme"


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    async with FakeIssuer().serving() as issuer:
        yield issuer


@pytest.fixture
async def program(migrated_stack: Stack, new_program: NewProgram, issuer: FakeIssuer) -> Program:
    """A program with the issuer as a provider, and with Google."""
    providers = f'{{ acme = {{ issuer = "{issuer.url}", client_ids = ["{CLIENT_ID}"] }} }}'
    config = config_file(migrated_stack.var_dir, {"providers = {}": f"providers = {providers}"})
    return await new_program("--port=0", config=config, GOOGLE_CLIENT_IDS="1.example, 2.example").start()


async def test_people_sign_in_with_a_provider_whose_keys_rotate(
    program: Program, issuer: FakeIssuer, session: ClientSession
) -> None:
    ada = Person(program, session, "ada")
    options = (await ada.request("GET", "/config"))["signIn"]["providers"]
    assert options == [
        {"name": "google", "issuer": "https://accounts.google.com", "clientIds": ["1.example", "2.example"]},
        {"name": "acme", "issuer": issuer.url, "clientIds": [CLIENT_ID]},
    ]

    token = issuer.token(name="Ada", email="ada@example.com", email_verified=True)
    body = {"idToken": token, "nonce": NONCE, "username": "countess"}
    created = await ada.call("POST", PATH, json=body)
    assert created.status == 201, created.content
    assert created.json["user"]["username"] == "countess"
    assert created.json["user"]["emailVerified"] is True
    ada.token = created.json["accessToken"]
    assert (await ada.request("GET", "/users/profile"))["fullName"] == "Ada"

    issuer.rotate("ES256", keep=True)
    signed_in = await ada.call(
        "POST", PATH, json={"idToken": issuer.token(key=issuer.keys[1]), "nonce": NONCE}
    )
    assert (signed_in.status, signed_in.json["user"]["id"]) == (200, created.json["user"]["id"])

    ada.token = ""
    refused = [
        await ada.call("POST", PATH, json=wrong)
        for wrong in (
            body,  # used
            {"idToken": issuer.token(aud="another-app"), "nonce": NONCE},
            {"idToken": issuer.token(), "nonce": "another-nonce"},
            {"idToken": issuer.token(iss="https://accounts.google.com"), "nonce": NONCE},
            {"idToken": issuer.token(exp=1), "nonce": NONCE},
        )
    ]
    without_ids = [{**answer.json, "instance": ""} for answer in refused]
    assert {answer.status for answer in refused} == {401}
    assert all(each == without_ids[0] for each in without_ids)
    missing = {"idToken": issuer.token(), "nonce": NONCE}
    assert (await ada.call("POST", "/auth/oidc/unknown", json=missing)).status == 404
    reserved = {"idToken": issuer.token("person-2"), "nonce": NONCE, "username": "admin"}
    assert (await ada.call("POST", PATH, json=reserved)).status == 422


async def test_provider_is_linked_and_the_last_way_to_sign_in_stays(
    program: Program, issuer: FakeIssuer, session: ClientSession, register: Register
) -> None:
    (ada,) = await register(program, "ada")
    token = {"idToken": issuer.token(), "nonce": NONCE}
    refused = await ada.call("POST", f"{PATH}/link", json=token)
    assert (refused.status, refused.json["code"]) == (403, "reauthentication_required")
    assert (await ada.call("POST", f"{PATH}/link", json={**token, "password": ada.password})).status == 204
    (provider,) = (await ada.request("GET", "/auth/methods"))["providers"]
    assert provider["name"] == "acme"

    other = Person(program, session, "ada")
    body = {"idToken": issuer.token(), "nonce": NONCE}
    signed_in = await other.request("POST", PATH, json=body)
    assert signed_in["user"]["id"] == ada.id
    other.token = signed_in["accessToken"]
    assert (await other.call("DELETE", PATH)).status == 403
    body = {"idToken": issuer.token(), "nonce": NONCE}
    assert await other.request("POST", f"{PATH}/reauthenticate", json=body) == {"expiresIn": 300}
    assert (await other.call("DELETE", PATH)).status == 204
    assert (await other.call("DELETE", PATH)).status == 404

    eve = Person(program, session, "eve")
    body = {"idToken": issuer.token("person-2"), "nonce": NONCE}
    eve.token = (await eve.request("POST", PATH, json=body))["accessToken"]
    assert (await eve.request("GET", "/auth/methods"))["password"] is False
    body = {"idToken": issuer.token("person-2"), "nonce": NONCE}
    await eve.request("POST", f"{PATH}/reauthenticate", json=body)
    kept = await eve.call("DELETE", PATH)
    assert (kept.status, kept.json["code"]) == (409, "last_sign_in_method")
    deleted = await eve.call("DELETE", "/users/profile", json={})
    assert deleted.status == 202
