"""The client's address comes from the peer, or from a trusted proxy's header, and never from an untrusted one."""

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict
from structlog.testing import capture_logs

from server.handlers.http.client_ip import ClientIps

PROXIES = ("10.0.0.0/8", "fd00::/8")


def address(peer: str, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    request = make_mocked_request(
        "GET", "/", headers=CIMultiDict([("X-Forwarded-For", f) for f in forwarded])
    )
    received: web.Request = request.clone(remote=peer)  # type: ignore[assignment]
    return ClientIps([ip_network(network) for network in trusted]).get_for(received)


@pytest.mark.parametrize("forged", ["1.2.3.4", "1.2.3.4, 10.0.0.9", "10.0.0.1", "", ",,,", "x" * 10_000])
def test_header_from_an_untrusted_peer_is_ignored(forged: str) -> None:
    assert address("203.0.113.7", forged) == "203.0.113.7"
    assert address("10.0.0.1", forged, trusted=()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (("198.51.100.2",), "198.51.100.2"),
        (("1.2.3.4, 198.51.100.2",), "198.51.100.2"),
        (("198.51.100.2, 10.0.0.9",), "198.51.100.2"),
        (("1.2.3.4", "198.51.100.2", "10.0.0.9"), "198.51.100.2"),
        (("10.0.0.8, 10.0.0.9",), "10.0.0.8"),
        (("198.51.100.2:4711",), "198.51.100.2"),
        (("[2001:db8::1]:4711",), "2001:db8::1"),
        (("2001:db8::1",), "2001:db8::1"),
        (("fe80::1%eth0",), "fe80::1"),
        (("::ffff:198.51.100.2",), "198.51.100.2"),
        ((), "10.0.0.1"),
        (("unknown",), "10.0.0.1"),
        (("198.51.100.2, rubbish, 10.0.0.9",), "10.0.0.9"),
        (("1.2.3.4, " * 5000 + "10.0.0.9",), "1.2.3.4"),
        ((", ".join(["1.2.3.4"] + ["10.0.0.9"] * 5000),), "10.0.0.9"),
    ],
)
def test_header_from_a_trusted_proxy_is_read_from_the_right(forwarded: tuple[str, ...], client: str) -> None:
    assert address("10.0.0.1", *forwarded) == client
    assert address("::ffff:10.0.0.1", *forwarded) == client


def request_from(peer: str, **headers: str) -> web.Request:
    request = make_mocked_request("GET", "/", headers=CIMultiDict(headers))
    return request.clone(remote=peer)  # type: ignore[return-value]


@pytest.mark.parametrize("trusted", [(), PROXIES])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_ignored_header_is_logged_once(trusted: tuple[str, ...], header: str) -> None:
    client_ips = ClientIps([ip_network(network) for network in trusted])
    with capture_logs() as logged:
        client_ips.get_for(request_from("203.0.113.7"))
        assert logged == []
        for _ in range(3):
            client_ips.get_for(request_from("203.0.113.7", **{header: "198.51.100.2"}))
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("forwarded_header_ignored", "warning")
    assert (line["peer"], line["header"]) == ("203.0.113.7", header)
    assert "TRUSTED_PROXIES" in line["detail"]


def test_header_of_a_trusted_proxy_is_not_logged() -> None:
    client_ips = ClientIps([ip_network(network) for network in PROXIES])
    with capture_logs() as logged:
        client_ips.get_for(request_from("10.0.0.1", **{"X-Forwarded-For": "198.51.100.2"}))
    assert logged == []
