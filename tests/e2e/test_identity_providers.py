"""Sign-in with an identity provider on a running server."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram
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
