"""Passkeys: responses of an authenticator that are verified, and wrong ones that are refused."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gateways.relying_party import (
    PasskeyRefused,
    RegisteredCredential,
    RelyingParty,
    StoredCredential,
    decode,
    encode,
)
from tests.support.software_authenticator import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    USER_PRESENT,
    USER_VERIFIED,
    SoftwareAuthenticator,
    with_flipped_signature,
)

SITE, ORIGIN, APP = "photos.example", "https://photos.example", "android:apk-key-hash:c2lnbmVk"
CHALLENGE, HANDLE = b"a challenge of the tests", b"42"
PARTY = RelyingParty(SITE, "Photos", [ORIGIN, APP])

Change = Callable[[SoftwareAuthenticator, dict[str, Any]], dict[str, Any]]


@pytest.fixture
async def party() -> RelyingParty:
    await PARTY.load()
    return PARTY


def creation_options() -> dict[str, Any]:
    return PARTY.creation_options(HANDLE, "ada", "Ada Lovelace", CHALLENGE, [])


def registered(authenticator: SoftwareAuthenticator) -> RegisteredCredential:
    return PARTY.verify_registration(authenticator.create(creation_options()), CHALLENGE)


async def test_options_ask_for_a_passkey_that_verifies_its_user(party: RelyingParty) -> None:
    options = party.creation_options(HANDLE, "ada", "Ada", CHALLENGE, [StoredCredential(b"id", ["usb"])])
    assert options["rp"] == {"id": SITE, "name": "Photos"}
    assert options["user"] == {"id": encode(HANDLE), "name": "ada", "displayName": "Ada"}
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    excluded = {"id": encode(b"id"), "type": "public-key", "transports": ["usb"]}
    assert options["excludeCredentials"] == [excluded]
    assert {parameters["alg"] for parameters in options["pubKeyCredParams"]} == {-8, -7, -257}
    assert orjson.loads(orjson.dumps(options)) == options


async def test_registered_passkey_signs_in(party: RelyingParty) -> None:
    authenticator = SoftwareAuthenticator(ORIGIN, counts=True)
    credential = registered(authenticator)
    assert credential.transports == ["hybrid", "internal"]
    assert (credential.backup_eligible, credential.backed_up) == (True, True)
    response = authenticator.get(party.request_options(CHALLENGE))
    head = party.read_head(response)
    assert (head.credential_id, head.user_handle, head.challenge) == (
        credential.credential_id,
        HANDLE,
        CHALLENGE,
    )
    assertion = party.verify_assertion(response, CHALLENGE, credential.public_key)
    assert (assertion.sign_count, assertion.backed_up) == (1, True)


async def test_apps_have_origins_of_their_own(party: RelyingParty) -> None:
    authenticator = SoftwareAuthenticator(APP)
    credential = registered(authenticator)
    response = authenticator.get(party.request_options(CHALLENGE))
    assert party.verify_assertion(response, CHALLENGE, credential.public_key)


async def test_device_bound_passkey_is_not_backed_up(party: RelyingParty) -> None:
    authenticator = SoftwareAuthenticator(ORIGIN)
    authenticator.flags = USER_PRESENT | USER_VERIFIED
    credential = registered(authenticator)
    assert (credential.backup_eligible, credential.backed_up) == (False, False)


def with_flags(flags: int) -> Change:
    def respond(authenticator: SoftwareAuthenticator, options: dict[str, Any]) -> dict[str, Any]:
        authenticator.flags = flags
        return authenticator.get(options) if "rpId" in options else authenticator.create(options)

    return respond


def changed(**changes: Any) -> Change:
    def respond(authenticator: SoftwareAuthenticator, options: dict[str, Any]) -> dict[str, Any]:
        respond = authenticator.get if "rpId" in options else authenticator.create
        return respond(options, **changes)

    return respond


WRONG: dict[str, Change] = {
    "another origin": changed(origin="https://photos.example.evil.example"),
    "an origin with a port": changed(origin=f"{ORIGIN}:8443"),
    "another site": changed(site="evil.example"),
    "another challenge": changed(challenge=encode(b"another challenge")),
    "another ceremony": changed(type="payment.get"),
    "a user who was not verified": with_flags(USER_PRESENT | BACKUP_ELIGIBLE | BACKED_UP),
    "a user who was not present": with_flags(USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP),
    "backed up but not eligible": with_flags(USER_PRESENT | USER_VERIFIED | BACKED_UP),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_assertion_is_refused(party: RelyingParty, wrong: str) -> None:
    authenticator = SoftwareAuthenticator(ORIGIN)
    credential = registered(authenticator)
    response = WRONG[wrong](authenticator, party.request_options(CHALLENGE))
    with pytest.raises(PasskeyRefused):
        party.verify_assertion(response, CHALLENGE, credential.public_key)


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_registration_is_refused(party: RelyingParty, wrong: str) -> None:
    response = WRONG[wrong](SoftwareAuthenticator(ORIGIN), creation_options())
    with pytest.raises(PasskeyRefused):
        party.verify_registration(response, CHALLENGE)


async def test_signature_of_another_key_is_refused(party: RelyingParty) -> None:
    authenticator = SoftwareAuthenticator(ORIGIN)
    credential, other = registered(authenticator), registered(authenticator)
    response = authenticator.get(party.request_options(CHALLENGE))
    assert party.verify_assertion(response, CHALLENGE, other.public_key)
    for wrong, key in ((response, credential), (with_flipped_signature(response), other)):
        with pytest.raises(PasskeyRefused):
            party.verify_assertion(wrong, CHALLENGE, key.public_key)


async def test_registration_does_not_sign_in(party: RelyingParty) -> None:
    authenticator = SoftwareAuthenticator(ORIGIN)
    credential = registered(authenticator)
    created = authenticator.create(creation_options())
    with pytest.raises(PasskeyRefused):
        party.verify_assertion(created, CHALLENGE, credential.public_key)
    with pytest.raises(PasskeyRefused):
        party.verify_registration(authenticator.get(party.request_options(CHALLENGE)), CHALLENGE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=60).map(encode),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@cache
def valid_responses() -> tuple[dict[str, Any], dict[str, Any]]:
    authenticator = SoftwareAuthenticator(ORIGIN)
    return authenticator.create(creation_options()), authenticator.get(PARTY.request_options(CHALLENGE))


@given(st.data(), st.booleans())
def test_malformed_responses_are_refused_and_nothing_else(data: st.DataObject, registers: bool) -> None:
    response = valid_responses()[0 if registers else 1]
    sent: dict[str, Any] = {**response, "response": dict(response["response"])}
    place = sent["response"] if data.draw(st.booleans()) else sent
    member = data.draw(st.sampled_from(sorted(place)))
    old = place[member]
    if isinstance(old, str) and data.draw(st.booleans()):
        raw = bytearray(decode(old) if len(old) > 40 else old.encode())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        place[member] = encode(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    else:
        place[member] = data.draw(JSON)
    with suppress(PasskeyRefused):
        if registers:
            PARTY.verify_registration(sent, PARTY.read_challenge(sent))
        else:
            PARTY.verify_assertion(sent, PARTY.read_head(sent).challenge, b"\xa0")
