"""Signed addresses: stable for hours, expired within a day, and for one viewer, picture and time."""

from urllib.parse import parse_qsl

import pytest

from server.errors import Forbidden, NotFound
from server.ids import MediaId, UserId, min_id_at
from server.services.content.media_addresses import PERIOD_S, STEP_S, MediaAddresses
from server.services.records import Image

BASE = "https://photos.test/media"
FOLDER = "posts/0123456789abcdef"
ANA, BEN = UserId(7), UserId(8)
NOON_MS = 1_790_000_000_000
DAY_S = 86_400


class ClockAt:
    """A clock that stands still."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


clock = ClockAt(NOON_MS)
addresses = MediaAddresses(b"secret", BASE, clock)


def signed(viewer_id: UserId, expires_at_s: int, folder: str = FOLDER) -> str:
    (image,) = addresses.sign(
        [Image(MediaId(1), f"{BASE}/{folder}", 10, 10, "", "", ("large",))], viewer_id, expires_at_s
    )
    return image.query


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(address.removeprefix("?")))


@pytest.mark.parametrize("created_at_ms", [NOON_MS, NOON_MS - 1, NOON_MS - 7_654_321_000])
def test_addresses_stay_for_half_a_day_and_expire_within_a_day(created_at_ms: int) -> None:
    post_id = min_id_at(created_at_ms)
    expiries: list[int] = []
    for minute in range(0, 2 * 1440, 10):
        now_s = NOON_MS // 1000 + minute * 60
        expires_at_s = MediaAddresses(b"secret", BASE, ClockAt(now_s * 1000)).expires_at_s(post_id)
        assert PERIOD_S - STEP_S < expires_at_s - now_s <= DAY_S
        expiries.append(expires_at_s)
    assert len(set(expiries)) in (4, 5)


def test_addresses_of_different_posts_change_at_different_times() -> None:
    hours = {
        addresses.expires_at_s(min_id_at(NOON_MS + hour * 3_600_000)) % PERIOD_S // 3600 for hour in range(12)
    }
    assert len(hours) == 12


def test_signature_names_its_viewer_and_its_time() -> None:
    expires_at_s = addresses.expires_at_s(min_id_at(NOON_MS))
    found = addresses.verify(FOLDER, query_of(signed(ANA, expires_at_s)))
    assert found is not None
    assert (found.viewer_id, found.expires_at_s) == (ANA, expires_at_s)
    assert addresses.verify(FOLDER, {}) is None


def test_changed_signatures_are_refused() -> None:
    expires_at_s = NOON_MS // 1000 + 60
    good = query_of(signed(ANA, expires_at_s))
    foreign = MediaAddresses(b"another secret", BASE, clock)
    for changed in (
        {"viewer": str(BEN)},
        {"viewer": f"0{ANA}"},
        {"viewer": ""},
        {"expires": str(expires_at_s + 1)},
        {"expires": f"{expires_at_s}0"},
        {"expires": "x"},
        {"signature": ""},
        {"signature": good["signature"] + "="},
        {"signature": good["signature"][:-1]},
        {"signature": "ü\udcff"},
    ):
        with pytest.raises(NotFound):
            addresses.verify(FOLDER, good | changed)
    for name in ("viewer", "expires"):
        with pytest.raises(NotFound):
            addresses.verify(FOLDER, {key: value for key, value in good.items() if key != name})
    with pytest.raises(NotFound):
        addresses.verify(f"{FOLDER}0", good)
    with pytest.raises(NotFound):
        foreign.verify(FOLDER, good)


def test_expired_signatures_are_refused() -> None:
    query = query_of(signed(ANA, NOON_MS // 1000 + 60))
    later = MediaAddresses(b"secret", BASE, ClockAt(NOON_MS + 60_000))
    assert addresses.verify(FOLDER, query) is not None
    with pytest.raises(Forbidden) as refused:
        later.verify(FOLDER, query)
    assert refused.value.code == "media_address_expired"
