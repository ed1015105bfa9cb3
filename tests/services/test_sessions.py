"""Access tokens: what is accepted, and that every other one reads alike."""

import base64
import hashlib
import time
from typing import Any

import jwt
import orjson
import pytest

from server.errors import Unauthenticated
from server.ids import UserId
from server.services.records import Principal, Role
from server.services.sessions import Sessions, TokenRules
from tests.house import House

RULES = TokenRules(
    access_secret="the access secret of these tests, long enough",
    refresh_secret="the refresh secret of these tests, long enough",
    issuer="photofeed",
    audience="photofeed-api",
    access_ttl_s=900,
    refresh_idle_s=86_400,
    refresh_absolute_s=864_000,
)


class HeldClock:
    def __init__(self) -> None:
        self.at_ms = time.time_ns() // 1_000_000

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def sessions(house: House, clock: HeldClock) -> Sessions:
    return Sessions(house.unit_of_work, clock, RULES)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token; a change to None leaves a claim out."""
    now_s = int(time.time())
    good: dict[str, Any] = {
        "iss": RULES.issuer,
        "aud": RULES.audience,
        "sub": "7",
        "sid": "8",
        "typ": "access",
        "jti": "a nonce",
        "iat": now_s,
        "exp": now_s + 900,
        "role": "user",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


def signed(secret: str = RULES.access_secret, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm)


def unsigned() -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}."


async def test_an_access_token_speaks_for_its_owner(house: House, sessions: Sessions) -> None:
    ada = await house.user()
    pair = await sessions.open(ada, Role.CELEBRITY, "a browser", "127.0.0.1")
    principal = sessions.principal(pair.access_token)
    assert (principal.user_id, principal.role) == (ada, Role.CELEBRITY)
    assert pair.expires_in_s == RULES.access_ttl_s
    assert await house.value("SELECT user_id FROM sessions WHERE id = ?", principal.session_id) == ada


async def test_a_refresh_token_is_kept_as_a_hash(house: House, sessions: Sessions) -> None:
    pair = await sessions.open(await house.user(), Role.USER, "x" * 500, "y" * 500)
    nonce = jwt.decode(pair.refresh_token, options={"verify_signature": False})["jti"]
    (row,) = await house.rows("SELECT refresh_hash, user_agent, address FROM sessions")
    assert row["refresh_hash"] == hashlib.sha256(nonce.encode()).hexdigest()
    assert (len(row["user_agent"]), len(row["address"])) == (200, 45)


def test_a_token_like_ours_is_accepted(bare: Sessions) -> None:
    assert bare.principal(signed()) == Principal(UserId(7), 8, Role.USER)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def bare(clock: HeldClock) -> Sessions:
    """Sessions that need no database: tokens are only read."""
    return Sessions(None, clock, RULES)  # pyright: ignore[reportArgumentType]


def refusals() -> dict[str, str]:
    now_s = int(time.time())
    return {
        "no algorithm": unsigned(),
        "another algorithm": signed(RULES.access_secret * 2, algorithm="HS512"),
        "wrong secret": signed("somebody else's secret, which is long enough"),
        "refresh secret": signed(RULES.refresh_secret),
        "refresh as access": signed(typ="refresh"),
        "no type": signed(typ=None),
        "expired": signed(iat=now_s - 1000, exp=now_s - 60),
        "not issued yet": signed(iat=now_s + 600),
        "audiences": signed(aud=[RULES.audience, "another"]),
        "one audience in a list": signed(aud=[RULES.audience]),
        "another audience": signed(aud="another"),
        "no audience": signed(aud=None),
        "another issuer": signed(iss="another"),
        "no issuer": signed(iss=None),
        "no expiry": signed(exp=None),
        "no issue time": signed(iat=None),
        "no subject": signed(sub=None),
        "no nonce": signed(jti=None),
        "no session": signed(sid=None),
        "no role": signed(role=None),
        "unknown role": signed(role="emperor"),
        "odd subject": signed(sub="me"),
        "odd session": signed(sid=["8"]),
        "odd role": signed(role={"user": 1}),
        "odd type": signed(typ=["access"]),
        "odd expiry": signed(exp="tomorrow"),
        "endless expiry": signed(exp=float("inf")),
        "long subject": signed(sub="9" * 5000),
        "nothing": "",
        "words": "let me in",
        "dots": "..",
        "not text": "\udcff.\udcff.\udcff",
        "no json": "e30.bm90IGpzb24.c2ln",
        "deep json": f"{'W1tb' * 50_000}.e30.c2ln",
        "cut": signed()[:-5],
    }


@pytest.mark.parametrize("what", refusals())
def test_every_other_token_is_refused_in_the_same_words(bare: Sessions, what: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        bare.principal(refusals()[what])
    with pytest.raises(Unauthenticated) as plain:
        bare.principal("")
    assert (refused.value.code, refused.value.detail) == (plain.value.code, plain.value.detail)
    assert refused.value.code == "invalid_token"


async def test_a_token_expires(house: House, sessions: Sessions, clock: HeldClock) -> None:
    clock.at_ms -= (RULES.access_ttl_s + 60) * 1000
    pair = await sessions.open(await house.user(), Role.USER, "", "")
    with pytest.raises(Unauthenticated):
        sessions.principal(pair.access_token)


async def test_a_refresh_token_is_no_access_token(house: House, sessions: Sessions) -> None:
    pair = await sessions.open(await house.user(), Role.USER, "", "")
    with pytest.raises(Unauthenticated):
        sessions.principal(pair.refresh_token)


async def test_no_two_tokens_are_equal(house: House, sessions: Sessions) -> None:
    ada = await house.user()
    pairs = [await sessions.open(ada, Role.USER, "", "") for _ in range(5)]
    tokens = {token for pair in pairs for token in (pair.access_token, pair.refresh_token)}
    assert len(tokens) == 10
