"""URLs of Redis, and finding the primary."""

import pytest

from server.gateways.redis.endpoint import Endpoint


def test_sentinel_url_names_sentinels_primary_and_credentials() -> None:
    url = "redis+sentinel://ana:p%40ss@one:1,two,[::1]:3/my%20master/2?sentinel_username=s&sentinel_password=t%2F"
    endpoint = Endpoint.parse(url, timeout_s=1.0)
    assert endpoint.options == {"username": "ana", "password": "p@ss", "db": 2}
    assert not endpoint.tls
    sentinels = endpoint.sentinels
    assert sentinels is not None
    assert sentinels.name == "my master"
    assert list(sentinels.addresses) == [("one", 1), ("two", 26379), ("::1", 3)]
    assert (sentinels.options["username"], sentinels.options["password"]) == ("s", "t/")


def test_sentinel_url_with_tls_uses_tls_everywhere() -> None:
    endpoint = Endpoint.parse("rediss+sentinel://one/name", timeout_s=1.0)
    assert endpoint.tls
    assert endpoint.sentinels is not None
    assert endpoint.sentinels.options["ssl"] is True
    assert endpoint.options == {"db": 0}


@pytest.mark.parametrize(
    "url", ["redis+sentinel://one", "redis+sentinel:///name/0", "redis+sentinel://one/name/x"]
)
def test_incomplete_sentinel_url_is_invalid(url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(url, timeout_s=1.0)


@pytest.mark.parametrize(
    ("url", "path", "tls"),
    [
        ("redis://host:1/2", "", False),
        ("rediss://host", "", True),
        ("unix:///run/redis.sock", "/run/redis.sock", False),
    ],
)
def test_plain_urls_are_those_of_redis_py(url: str, path: str, tls: bool) -> None:
    endpoint = Endpoint.parse(url, timeout_s=1.0)
    assert (endpoint.path, endpoint.tls, endpoint.sentinels) == (path, tls, None)
