"""Addresses in the startup banner: IPv6 addresses are in brackets."""

from pathlib import Path

import pytest

from server.assembly import banner
from server.settings import Settings


def settings(host: str) -> Settings:
    changes = {section: {"host": host} for section in ("app", "database", "redis", "email")}
    return Settings.model_validate(changes)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://0.0.0.0:3000"),
        ("localhost", "http://localhost:3000"),
        ("::1", "http://[::1]:3000"),
        ("::", "http://[::1]:3000"),
        ("2001:db8::7", "http://[2001:db8::7]:3000"),
    ],
)
def test_listen_address_is_a_valid_url(host: str, url: str) -> None:
    shown = banner.addresses(settings(host), 3000, serves=True)
    assert shown == {"listening": url, "API docs": f"{url}/api", "console": f"{url}/admin"}
    assert banner.addresses(settings(host), 3000, serves=False) == {"health, metrics": url}


def test_dependencies_on_ipv6_are_in_brackets(tmp_path: Path) -> None:
    shown = banner.dependencies(settings("2001:db8::7"), tmp_path)
    assert shown["database"] == "MySQL at [2001:db8::7]:3306, database instagram_clone"
    assert shown["redis"] == "redis://[2001:db8::7]:6379/0"
    assert shown["email"] == "SMTP at [2001:db8::7]:587"


@pytest.mark.parametrize("host", ["::", "::1"])
def test_public_url_of_an_ipv6_listener_is_localhost(host: str) -> None:
    assert settings(host).public_url == "http://localhost:3000"
