"""ID tokens: what is accepted, and that everything else has the same refusal."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.errors import NotFound, Unauthenticated
from server.gateways.oidc.documents import ProviderDocuments
from server.gateways.oidc.provider_keys import ProviderKeys
from server.gateways.oidc.providers import OidcProvider
from server.services.accounts.passwordless.id_tokens import IdTokens
from tests.support.fakes.oidc_issuer import CLIENT_ID, NONCE, OMIT, FakeIssuer, foreign_key, signing_key


def now_s() -> int:
    return int(time.time())


@pytest.fixture
async def id_tokens(keys: ProviderKeys) -> IdTokens:
    return IdTokens({keys.provider.name: keys})


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def with_algorithm(issuer: FakeIssuer, algorithm: str) -> str:
    """Return the signed part of a token whose header names another algorithm."""
    header = orjson.dumps({"alg": algorithm, "kid": issuer.keys[0].key_id})
    return f"{encoded(header)}.{issuer.token().split('.')[1]}"


def unsigned(issuer: FakeIssuer) -> str:
    return f"{with_algorithm(issuer, 'none')}."


def signed_with_the_public_key(issuer: FakeIssuer) -> str:
    """Return a token whose HMAC key is the public key, as a verifier without a list of algorithms would accept."""
    public = issuer.keys[0].private.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    content = with_algorithm(issuer, "HS256")
    return f"{content}.{encoded(hmac.digest(secret, content.encode(), 'sha256'))}"


def with_another_signature(issuer: FakeIssuer) -> str:
    content, _, signature = issuer.token().rpartition(".")
    return f"{content}.{signature[:20]}{'A' if signature[20] != 'A' else 'B'}{signature[21:]}"


def with_another_payload(issuer: FakeIssuer) -> str:
    (header, _, signature), other = issuer.token().split("."), issuer.token("person-2")
    return ".".join((header, other.split(".")[1], signature))


WRONG: dict[str, Callable[[FakeIssuer], str]] = {
    "another audience": lambda issuer: issuer.token(aud="another-app"),
    "no audience": lambda issuer: issuer.token(aud=OMIT),
    "audiences without ours": lambda issuer: issuer.token(aud=["another-app", "a-third-app"]),
    "issued to another party": lambda issuer: issuer.token(aud=[CLIENT_ID, "another-app"], azp="another-app"),
    "several audiences without a party": lambda issuer: issuer.token(aud=[CLIENT_ID, "another-app"]),
    "another nonce": lambda issuer: issuer.token(nonce="another-nonce"),
    "no nonce": lambda issuer: issuer.token(nonce=OMIT),
    "a nonce of another type": lambda issuer: issuer.token(nonce=[NONCE]),
    "another issuer": lambda issuer: issuer.token(iss="https://accounts.google.com"),
    "no issuer": lambda issuer: issuer.token(iss=OMIT),
    "expired": lambda issuer: issuer.token(iat=now_s() - 900, exp=now_s() - 60),
    "no expiry": lambda issuer: issuer.token(exp=OMIT),
    "an endless expiry": lambda issuer: issuer.token(exp=10**30),
    "an expiry as text": lambda issuer: issuer.token(exp=str(now_s() + 600)),
    "from the future": lambda issuer: issuer.token(iat=now_s() + 300),
    "not yet valid": lambda issuer: issuer.token(nbf=now_s() + 300),
    "no time of issue": lambda issuer: issuer.token(iat=OMIT),
    "no subject": lambda issuer: issuer.token(sub=OMIT),
    "an empty subject": lambda issuer: issuer.token(sub=""),
    "a long subject": lambda issuer: issuer.token(sub="x" * 256),
    "a foreign key": lambda issuer: issuer.token(key=foreign_key()),
    "a foreign key with our id": lambda issuer: issuer.token(
        key=foreign_key(), headers={"kid": issuer.keys[0].key_id}
    ),
    "a foreign key without an id": lambda issuer: issuer.token(key=foreign_key(), headers={"kid": OMIT}),
    "an id of another type": lambda issuer: unsigned(issuer).replace("kid", "kjd"),
    "unsigned": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "another signature": with_another_signature,
    "another payload": with_another_payload,
    "an access token": lambda _: "ya29.A0ARrdaM",
    "a text": lambda _: "no token",
    "not ASCII": lambda _: "é.é.é",
    "nested lists": lambda _: f"{base64.b64encode(b'[' * 3000).decode()}.e30.e30",
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_token_has_the_same_refusal(id_tokens: IdTokens, issuer: FakeIssuer, wrong: str) -> None:
    await id_tokens.verify("acme", issuer.token(), NONCE)
    with pytest.raises(Unauthenticated) as refused:
        await id_tokens.verify("acme", WRONG[wrong](issuer), NONCE)
    assert (refused.value.code, refused.value.detail) == (
        "invalid_id_token",
        "This ID token is invalid. Sign in with the provider again.",
    )


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_algorithms_of_public_keys_are_accepted(
    id_tokens: IdTokens, issuer: FakeIssuer, algorithm: str
) -> None:
    issuer.rotate(algorithm)
    assert (await id_tokens.verify("acme", issuer.token(), NONCE)).provider == "acme"


@pytest.mark.parametrize("algorithm", ["RS512", "RS384"])
async def test_other_algorithms_are_refused(id_tokens: IdTokens, issuer: FakeIssuer, algorithm: str) -> None:
    issuer.keys = [signing_key("RS256"), signing_key(algorithm)]
    with pytest.raises(Unauthenticated):
        await id_tokens.verify("acme", issuer.token(key=issuer.keys[1]), NONCE)


async def test_short_rsa_key_is_refused(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    issuer.keys = [signing_key("RS256"), signing_key("RS256", bits=1024)]
    with pytest.raises(Unauthenticated), pytest.warns(jwt.InsecureKeyLengthWarning):
        await id_tokens.verify("acme", issuer.token(key=issuer.keys[1]), NONCE)


async def test_key_for_encryption_does_not_verify(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    other = signing_key("RS256")
    issuer.keys = [signing_key("RS256"), other]
    other.entry["use"] = "enc"
    with pytest.raises(Unauthenticated):
        await id_tokens.verify("acme", issuer.token(key=other), NONCE)


async def test_token_without_key_id_needs_a_single_key(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    token = issuer.token(headers={"kid": OMIT})
    assert (await id_tokens.verify("acme", token, NONCE)).provider == "acme"


async def test_hashed_nonce_of_a_phone_is_accepted(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    hashed = hashlib.sha256(NONCE.encode()).hexdigest()
    assert await id_tokens.verify("acme", issuer.token(nonce=hashed), NONCE)


async def test_party_among_several_audiences_is_accepted(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    token = issuer.token(aud=["another-app", CLIENT_ID], azp="photos-on-phones")
    assert await id_tokens.verify("acme", token, NONCE)


async def test_clocks_may_differ_a_little(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    now_s = int(time.time())
    assert await id_tokens.verify("acme", issuer.token(iat=now_s + 10, exp=now_s - 10), NONCE)


async def test_subject_identifies_within_the_issuer(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    first = await id_tokens.verify("acme", issuer.token("one", email="a@example.com"), NONCE)
    again = await id_tokens.verify("acme", issuer.token("one", email="b@example.com"), NONCE)
    other = await id_tokens.verify("acme", issuer.token("ONE"), NONCE)
    assert first.subject_hash == again.subject_hash != other.subject_hash
    assert first.token_hash != again.token_hash


@pytest.mark.parametrize(
    ("claims", "email", "verified"),
    [
        ({"email": "ada@example.com", "email_verified": True}, "ada@example.com", True),
        ({"email": "ada@example.com", "email_verified": "true"}, "ada@example.com", True),
        ({"email": "ada@example.com", "email_verified": "false"}, "ada@example.com", False),
        ({"email": "ada@example.com"}, "ada@example.com", False),
        ({"email": "ada@example.com", "email_verified": 1.5}, "ada@example.com", False),
        ({"email": "not an address", "email_verified": True}, "", False),
        ({"email": ["ada@example.com"], "email_verified": True}, "", False),
        ({"email_verified": True}, "", False),
    ],
)
async def test_address_is_verified_only_if_the_token_says_so(
    id_tokens: IdTokens, issuer: FakeIssuer, claims: dict[str, object], email: str, verified: bool
) -> None:
    identity = await id_tokens.verify("acme", issuer.token(**claims), NONCE)
    assert (identity.email, identity.email_verified) == (email, verified)


async def test_unknown_provider_is_not_found(id_tokens: IdTokens, issuer: FakeIssuer) -> None:
    with pytest.raises(NotFound):
        await id_tokens.verify("google", issuer.token(), NONCE)


async def test_second_issuer_of_a_provider_is_the_same(issuer: FakeIssuer) -> None:
    documents = ProviderDocuments(2.0, this_machine=True)
    issuers = ("https://accounts.example.com", "accounts.example.com")
    provider = OidcProvider("acme", issuers, (CLIENT_ID,), issuer.url + issuer.keys_path)
    id_tokens = IdTokens({"acme": ProviderKeys(provider, documents)})
    try:
        first, second = [
            await id_tokens.verify("acme", issuer.token(iss=name), NONCE) for name in provider.issuers
        ]
    finally:
        await documents.close()
    assert first.subject_hash == second.subject_hash
