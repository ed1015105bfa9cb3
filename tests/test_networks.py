"""Client networks."""

import pytest

from server.networks import Networks, networks_of


@pytest.mark.parametrize("address", ["198.51.100.2", "::ffff:198.51.100.2", "198.51.100.2:443"])
def test_ipv4_address_counts_with_its_24(address: str) -> None:
    assert networks_of(address) == Networks("198.51.100.2", "198.51.100.0/24", "198.51.100.0/24")


def test_ipv6_address_counts_with_its_64_56_and_48() -> None:
    assert networks_of("2001:db8:1:203::4") == Networks(
        "2001:db8:1:203::/64", "2001:db8:1:200::/56", "2001:db8:1::/48", is_ipv6=True
    )


def test_unreadable_address_stands_for_itself() -> None:
    assert networks_of("") == Networks("", "", "")
    assert networks_of("x" * 100).site == "x" * 45
