"""Tokens: which are accepted, and the one error for all others."""

import base64
import dataclasses
import time
from typing import Any

import jwt
import orjson
import pytest

from server.clock import SystemClock
from server.errors import Unauthenticated
from server.ids import MAX_ID, SessionId, UserId
from server.services.accounts.tokens import MAX_CACHED_TOKENS, RefreshClaim, Tokens
from server.services.records import Principal, Role
from tools.harness.services import TOKEN_RULES as RULES

ADA = Principal(UserId(7), SessionId(8), Role.USER)
FIRST = RefreshClaim(UserId(7), SessionId(8), "a nonce")


SECRETS = {"access": RULES.access_secret, "refresh": RULES.refresh_secret}
OTHER = {"access": "refresh", "refresh": "access"}


class HeldClock:
    def __init__(self) -> None:
        self.at_ms = SystemClock().now_ms()

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def tokens(clock: HeldClock) -> Tokens:
    return Tokens(clock, RULES)


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid access token; a change to None omits a claim."""
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


def unsigned(kind: str) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims(typ=kind))}."


def never_ms(clock: HeldClock) -> int:
    return clock.at_ms + RULES.refresh_absolute_s * 1000


def test_access_token_identifies_its_user(tokens: Tokens, clock: HeldClock) -> None:
    admin = Principal(UserId(7), SessionId(8), Role.ADMIN)
    assert tokens.read_access(tokens.issue_access(admin, never_ms(clock))).principal == admin


def test_access_token_keeps_the_end_of_a_sanction(tokens: Tokens, clock: HeldClock) -> None:
    sanctioned = Principal(UserId(7), SessionId(8), Role.USER, sanctioned_until_ms=clock.at_ms // 1000 * 1000)
    assert tokens.read_access(tokens.issue_access(sanctioned, never_ms(clock))).principal == sanctioned
    for wrong in ("tomorrow", -1, 1.5, True, 10**15):
        with pytest.raises(Unauthenticated):
            tokens.read_access(signed(sanctioned=wrong))


def test_well_formed_token_is_accepted(tokens: Tokens) -> None:
    assert tokens.read_access(signed()).principal == ADA
    assert tokens.read_refresh(signed(RULES.refresh_secret, typ="refresh")) == FIRST


def refusals(kind: str) -> dict[str, str]:
    """Return tokens that are invalid for one reason each."""
    mine, other = SECRETS[kind], SECRETS[OTHER[kind]]

    def flawed(secret: str = mine, algorithm: str = "HS256", **changes: Any) -> str:
        return signed(secret, algorithm, **{"typ": kind, **changes})

    now_s = int(time.time())
    return {
        "no algorithm": unsigned(kind),
        "another algorithm": flawed(mine * 2, algorithm="HS512"),
        "wrong secret": flawed("somebody else's secret, which is long enough"),
        "secret of the other kind": flawed(other),
        "the other kind": flawed(typ=OTHER[kind]),
        "no type": flawed(typ=None),
        "expired": flawed(iat=now_s - 1000, exp=now_s - 60),
        "audiences": flawed(aud=[RULES.audience, "another"]),
        "one audience in a list": flawed(aud=[RULES.audience]),
        "another audience": flawed(aud="another"),
        "no audience": flawed(aud=None),
        "another issuer": flawed(iss="another"),
        "no issuer": flawed(iss=None),
        "no expiry": flawed(exp=None),
        "no issue time": flawed(iat=None),
        "no subject": flawed(sub=None),
        "no nonce": flawed(jti=None),
        "no session": flawed(sid=None),
        "odd subject": flawed(sub="me"),
        "odd session": flawed(sid=["8"]),
        "odd type": flawed(typ=[kind]),
        "odd expiry": flawed(exp="tomorrow"),
        "endless expiry": flawed(exp=float("inf")),
        "long subject": flawed(sub="9" * 5000),
        "subject above 53 bits": flawed(sub=str(MAX_ID + 1)),
        "subject above 64 bits": flawed(sub=str(2**64)),
        "subject in other digits": flawed(sub="٧"),
        "session above 64 bits": flawed(sid=str(2**64)),
        "expiry as text": flawed(exp="9" * 400),
        "expiry after the year 9999": flawed(exp=10**15),
        "nothing": "",
        "words": "let me in",
        "dots": "..",
        "not text": "\udcff.\udcff.\udcff",
        "no json": "e30.bm90IGpzb24.c2ln",
        "deep json": f"{'W1tb' * 50_000}.e30.c2ln",
        "cut": flawed()[:-5],
    }


@pytest.mark.parametrize("what", refusals("access"))
def test_invalid_access_tokens_give_the_same_error(tokens: Tokens, what: str) -> None:
    assert access_error(tokens, refusals("access")[what]) == access_error(tokens, "")
    assert access_error(tokens, "")[0] == "invalid_token"


@pytest.mark.parametrize("role", [None, "emperor", {"user": 1}])
def test_unknown_role_is_rejected(tokens: Tokens, role: Any) -> None:
    assert access_error(tokens, signed(role=role)) == access_error(tokens, "")


@pytest.mark.parametrize("what", refusals("refresh"))
def test_invalid_refresh_tokens_give_the_same_error(tokens: Tokens, what: str) -> None:
    assert refresh_error(tokens, refusals("refresh")[what]) == refresh_error(tokens, "")
    assert refresh_error(tokens, "")[0] == "invalid_refresh_token"


def access_error(tokens: Tokens, token: str) -> tuple[str, str]:
    with pytest.raises(Unauthenticated) as refused:
        tokens.read_access(token)
    return refused.value.code, refused.value.detail


def refresh_error(tokens: Tokens, token: str) -> tuple[str, str]:
    with pytest.raises(Unauthenticated) as refused:
        tokens.read_refresh(token)
    return refused.value.code, refused.value.detail


def test_tokens_expire(tokens: Tokens, clock: HeldClock) -> None:
    now_ms = clock.at_ms
    clock.at_ms -= (RULES.access_ttl_s + 60) * 1000
    access_error(tokens, tokens.issue_access(ADA, never_ms(clock)))
    idle_since_ms = now_ms - (RULES.refresh_idle_s + 60) * 1000
    refresh_error(tokens, tokens.issue_refresh(FIRST, idle_since_ms, now_ms + 3_600_000))


def test_token_from_a_clock_ahead_is_valid(tokens: Tokens, clock: HeldClock) -> None:
    ahead = HeldClock()
    ahead.at_ms = clock.at_ms + 5 * 60_000
    elsewhere = Tokens(ahead, RULES)
    assert tokens.read_access(elsewhere.issue_access(ADA, never_ms(clock))).principal == ADA
    assert tokens.read_refresh(elsewhere.issue_refresh(FIRST, ahead.at_ms, never_ms(clock))) == FIRST


def test_tokens_do_not_outlive_their_session(tokens: Tokens, clock: HeldClock) -> None:
    ended_ms = clock.at_ms - 60_000
    access_error(tokens, tokens.issue_access(ADA, ended_ms))
    refresh_error(tokens, tokens.issue_refresh(FIRST, clock.at_ms, ended_ms))


def test_access_tokens_are_unique(tokens: Tokens, clock: HeldClock) -> None:
    assert len({tokens.issue_access(ADA, never_ms(clock)) for _ in range(5)}) == 5


def test_successor_depends_on_token_time_and_secret(tokens: Tokens, clock: HeldClock) -> None:
    at_ms = clock.at_ms
    following = tokens.derive_successor(FIRST, at_ms)
    assert following == tokens.derive_successor(FIRST, at_ms)
    assert tokens.issue_refresh(following, at_ms, never_ms(clock)) == tokens.issue_refresh(
        following, at_ms, never_ms(clock)
    )
    other_secret = Tokens(
        clock, dataclasses.replace(RULES, refresh_secret="another secret, long enough as well")
    )
    others = [
        tokens.derive_successor(FIRST, at_ms + 1),
        tokens.derive_successor(following, at_ms),
        tokens.derive_successor(dataclasses.replace(FIRST, session_id=SessionId(9)), at_ms),
        other_secret.derive_successor(FIRST, at_ms),
    ]
    assert len({each.nonce for each in [following, *others]}) == 5
    assert len(following.nonce) == 43


def test_token_is_verified_again_after_it_expired(
    tokens: Tokens, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    decode = jwt.decode

    def counted(token: str, *arguments: Any, **options: Any) -> Any:
        checked.append(token)
        return decode(token, *arguments, **options)

    monkeypatch.setattr("server.services.accounts.tokens.jwt.decode", counted)
    token = tokens.issue_access(ADA, never_ms(clock))
    for _ in range(3):
        assert tokens.read_access(token).principal == ADA
    assert checked == [token]
    clock.at_ms += (RULES.access_ttl_s + 60) * 1000
    tokens.read_access(token)
    assert checked == [token, token]


def test_cache_of_verified_tokens_is_bounded(tokens: Tokens, clock: HeldClock) -> None:
    for _ in range(MAX_CACHED_TOKENS + 10):
        tokens.read_access(tokens.issue_access(ADA, never_ms(clock)))
    assert len(tokens._verified) == MAX_CACHED_TOKENS


def test_rejected_token_is_not_cached(tokens: Tokens, clock: HeldClock) -> None:
    head, claims, _ = tokens.issue_access(ADA, never_ms(clock)).split(".")
    for _ in range(2):
        access_error(tokens, f"{head}.{claims}.{'A' * 43}")
    assert tokens._verified == {}
