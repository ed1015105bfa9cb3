"""Keys of an identity provider: cached, read again when they rotate, kept while the provider is unavailable."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from server.errors import Unavailable
from server.gateways.oidc.documents import MAX_BYTES, ProviderDocuments
from server.gateways.oidc.provider_keys import FRESH_S, KEPT_S, REREAD_S, RETRY_S, ProviderKeys
from server.gateways.oidc.providers import OidcProvider
from server.networks import is_secure_url
from tests.support.fakes.oidc_issuer import CLIENT_ID, FakeIssuer

CONFIGURATION = "/.well-known/openid-configuration"


class Time:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    async with FakeIssuer().serving() as issuer:
        yield issuer


@pytest.fixture
async def documents() -> AsyncIterator[ProviderDocuments]:
    documents = ProviderDocuments(0.5, this_machine=True)
    yield documents
    await documents.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def keys(issuer: FakeIssuer, documents: ProviderDocuments, time: Time) -> AsyncIterator[ProviderKeys]:
    keys = ProviderKeys(issuer.provider, documents, time)
    yield keys
    await keys.close()


async def test_keys_are_read_once_for_concurrent_requests(issuer: FakeIssuer, keys: ProviderKeys) -> None:
    key_id = issuer.keys[0].key_id
    found = await asyncio.gather(*(keys.find(key_id) for _ in range(20)))
    assert all(key is not None and key.key_id == key_id for key in found)
    assert issuer.asked == {CONFIGURATION: 1, issuer.keys_path: 1}


async def test_unknown_key_makes_the_keys_be_read_again(
    issuer: FakeIssuer, keys: ProviderKeys, time: Time
) -> None:
    first = issuer.keys[0].key_id
    assert await keys.find(first)
    issuer.rotate()
    second = issuer.keys[0].key_id
    assert await keys.find(second) is None  # read a moment ago
    time.now_s += REREAD_S
    assert await keys.find(second)
    assert await keys.find(first) is None


async def test_made_up_key_ids_cause_one_request_per_minute(
    issuer: FakeIssuer, keys: ProviderKeys, time: Time
) -> None:
    for number in range(50):
        assert await keys.find(f"made-up-{number}") is None
    assert issuer.asked[issuer.keys_path] == 1
    time.now_s += REREAD_S
    for number in range(50):
        assert await keys.find(f"made-up-{number}") is None
    assert issuer.asked[issuer.keys_path] == 2


async def test_withdrawn_key_is_refused_after_an_hour(
    issuer: FakeIssuer, keys: ProviderKeys, time: Time
) -> None:
    withdrawn = issuer.keys[0].key_id
    assert await keys.find(withdrawn)
    issuer.rotate()
    time.now_s += FRESH_S
    assert await keys.find(withdrawn) is None


async def test_keys_are_kept_for_a_day_without_the_provider(
    issuer: FakeIssuer, keys: ProviderKeys, time: Time
) -> None:
    key_id = issuer.keys[0].key_id
    assert await keys.find(key_id)
    issuer.status = 503
    time.now_s += KEPT_S - 1
    assert await keys.find(key_id)
    time.now_s += REREAD_S
    with pytest.raises(Unavailable):
        await keys.find(key_id)


async def test_provider_that_returns_is_read_within_seconds(
    issuer: FakeIssuer, keys: ProviderKeys, time: Time
) -> None:
    key_id, issuer.status = issuer.keys[0].key_id, 503
    for _ in range(5):
        with pytest.raises(Unavailable):
            await keys.find(key_id)
    assert issuer.asked[CONFIGURATION] == 1
    issuer.status = 200
    time.now_s += RETRY_S
    assert await keys.find(key_id)


BROKEN = {
    "no JSON": b"<html>Welcome to this hotel</html>",
    "no object": b"[1, 2]",
    "no keys": b"{}",
    "no list of keys": b'{"keys": "none"}',
    "no usable key": orjson.dumps({"keys": [1, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "n": "A"}]}),
    "too much": b'{"keys": "%s"}' % (b"x" * MAX_BYTES),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_broken_document_makes_the_provider_unavailable(
    issuer: FakeIssuer, documents: ProviderDocuments, broken: str
) -> None:
    issuer.content = BROKEN[broken]
    preset = OidcProvider("acme", (issuer.url,), (CLIENT_ID,), issuer.url + issuer.keys_path)
    for provider in (preset, issuer.provider):
        with pytest.raises(Unavailable) as refused:
            await ProviderKeys(provider, documents).find("any")
        assert issuer.url not in refused.value.detail


async def test_redirect_is_not_followed(issuer: FakeIssuer, keys: ProviderKeys) -> None:
    issuer.status = 302
    with pytest.raises(Unavailable):
        await keys.find("any")
    assert issuer.asked == {CONFIGURATION: 1}


async def test_configuration_of_another_issuer_is_refused(issuer: FakeIssuer, keys: ProviderKeys) -> None:
    issuer.issuer_in_document = "https://accounts.google.com"
    with pytest.raises(Unavailable):
        await keys.find(issuer.keys[0].key_id)
    assert issuer.asked == {CONFIGURATION: 1}


async def test_keys_are_not_read_over_plain_http(issuer: FakeIssuer) -> None:
    documents = ProviderDocuments(0.5)
    with pytest.raises(Unavailable):
        await documents.get(issuer.url)
    assert not issuer.asked


async def test_unreachable_provider_is_unavailable(documents: ProviderDocuments) -> None:
    provider = OidcProvider("acme", ("http://127.0.0.1:1",), (CLIENT_ID,))
    with pytest.raises(Unavailable):
        await ProviderKeys(provider, documents).find("any")


@pytest.mark.parametrize(
    ("url", "in_production", "in_development"),
    [
        ("https://login.example.com", True, True),
        ("http://login.example.com", False, False),
        ("http://127.0.0.1:8000", False, True),
        ("http://localhost:8000", False, True),
        ("http://[::1]:8000", False, True),
        ("http://127.0.0.1.example.com", False, False),
        ("http://169.254.169.254", False, False),
        ("file:///etc/passwd", False, False),
        ("https://", False, False),
        ("https://[", False, False),
    ],
)
def test_only_secure_urls_are_read(url: str, in_production: bool, in_development: bool) -> None:
    assert is_secure_url(url, this_machine=False) is in_production
    assert is_secure_url(url, this_machine=True) is in_development
