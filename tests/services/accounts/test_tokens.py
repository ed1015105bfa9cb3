"""Tokens: what is accepted, and that every other one reads alike."""

import base64
import dataclasses
import time
from typing import Any

import jwt
import orjson
import pytest

from server.clock import SystemClock
from server.errors import Unauthenticated
from server.ids import SessionId, UserId
from server.services.accounts.tokens import MAX_CHECKED, RefreshClaim, Tokens, new_reset_token, reset_hash
from server.services.records import Principal, Role
from tests.support.harness import TOKEN_RULES as RULES

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


def unsigned(kind: str) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims(typ=kind))}."


def never_ms(clock: HeldClock) -> int:
    return clock.at_ms + RULES.refresh_absolute_s * 1000


def test_an_access_token_speaks_for_its_owner(tokens: Tokens, clock: HeldClock) -> None:
    admin = Principal(UserId(7), SessionId(8), Role.ADMIN)
    assert tokens.read_access(tokens.access(admin, never_ms(clock))) == admin


def test_a_token_like_ours_is_accepted(tokens: Tokens) -> None:
    assert tokens.read_access(signed()) == ADA
    assert tokens.read_refresh(signed(RULES.refresh_secret, typ="refresh")) == FIRST


def refusals(kind: str) -> dict[str, str]:
    """What is no good token of this kind, and would be one without the flaw."""
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
        "nothing": "",
        "words": "let me in",
        "dots": "..",
        "not text": "\udcff.\udcff.\udcff",
        "no json": "e30.bm90IGpzb24.c2ln",
        "deep json": f"{'W1tb' * 50_000}.e30.c2ln",
        "cut": flawed()[:-5],
    }


@pytest.mark.parametrize("what", refusals("access"))
def test_every_other_access_token_is_refused_in_the_same_words(tokens: Tokens, what: str) -> None:
    assert refused_access(tokens, refusals("access")[what]) == refused_access(tokens, "")
    assert refused_access(tokens, "")[0] == "invalid_token"


@pytest.mark.parametrize("role", [None, "emperor", {"user": 1}])
def test_a_role_that_there_is_not_is_refused(tokens: Tokens, role: Any) -> None:
    assert refused_access(tokens, signed(role=role)) == refused_access(tokens, "")


@pytest.mark.parametrize("what", refusals("refresh"))
def test_every_other_refresh_token_is_refused_in_the_same_words(tokens: Tokens, what: str) -> None:
    assert refused_refresh(tokens, refusals("refresh")[what]) == refused_refresh(tokens, "")
    assert refused_refresh(tokens, "")[0] == "invalid_refresh_token"


def refused_access(tokens: Tokens, token: str) -> tuple[str, str]:
    with pytest.raises(Unauthenticated) as refused:
        tokens.read_access(token)
    return refused.value.code, refused.value.detail


def refused_refresh(tokens: Tokens, token: str) -> tuple[str, str]:
    with pytest.raises(Unauthenticated) as refused:
        tokens.read_refresh(token)
    return refused.value.code, refused.value.detail


def test_tokens_expire(tokens: Tokens, clock: HeldClock) -> None:
    now_ms = clock.at_ms
    clock.at_ms -= (RULES.access_ttl_s + 60) * 1000
    refused_access(tokens, tokens.access(ADA, never_ms(clock)))
    idle_since_ms = now_ms - (RULES.refresh_idle_s + 60) * 1000
    refused_refresh(tokens, tokens.refresh(FIRST, idle_since_ms, now_ms + 3_600_000))


def test_a_token_of_a_process_whose_clock_is_ahead_is_good(tokens: Tokens, clock: HeldClock) -> None:
    ahead = HeldClock()
    ahead.at_ms = clock.at_ms + 5 * 60_000
    elsewhere = Tokens(ahead, RULES)
    assert tokens.read_access(elsewhere.access(ADA, never_ms(clock))) == ADA
    assert tokens.read_refresh(elsewhere.refresh(FIRST, ahead.at_ms, never_ms(clock))) == FIRST


def test_tokens_do_not_outlive_their_session(tokens: Tokens, clock: HeldClock) -> None:
    ended_ms = clock.at_ms - 60_000
    refused_access(tokens, tokens.access(ADA, ended_ms))
    refused_refresh(tokens, tokens.refresh(FIRST, clock.at_ms, ended_ms))


def test_no_two_access_tokens_are_equal(tokens: Tokens, clock: HeldClock) -> None:
    assert len({tokens.access(ADA, never_ms(clock)) for _ in range(5)}) == 5


def test_a_refresh_token_has_one_successor_at_a_time(tokens: Tokens, clock: HeldClock) -> None:
    at_ms = clock.at_ms
    following = tokens.successor(FIRST, at_ms)
    assert following == tokens.successor(FIRST, at_ms)
    assert tokens.refresh(following, at_ms, never_ms(clock)) == tokens.refresh(
        following, at_ms, never_ms(clock)
    )
    other_secret = Tokens(
        clock, dataclasses.replace(RULES, refresh_secret="another secret, long enough as well")
    )
    others = [
        tokens.successor(FIRST, at_ms + 1),
        tokens.successor(following, at_ms),
        tokens.successor(dataclasses.replace(FIRST, session_id=SessionId(9)), at_ms),
        other_secret.successor(FIRST, at_ms),
    ]
    assert len({each.nonce for each in [following, *others]}) == 5
    assert len(following.nonce) == 43


def test_a_reset_token_is_random_and_no_other_token(tokens: Tokens) -> None:
    made = {new_reset_token() for _ in range(100)}
    assert len(made) == 100
    for token in made:
        assert len(base64.urlsafe_b64decode(token + "=")) == 32
        assert len(reset_hash(token)) == 64
        refused_access(tokens, token)
        refused_refresh(tokens, token)
    assert reset_hash("\udcff")


def test_a_token_is_checked_once_and_again_when_its_time_is_over(
    tokens: Tokens, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    decode = jwt.decode

    def counted(token: str, *arguments: Any, **options: Any) -> Any:
        checked.append(token)
        return decode(token, *arguments, **options)

    monkeypatch.setattr("server.services.accounts.tokens.jwt.decode", counted)
    token = tokens.access(ADA, never_ms(clock))
    for _ in range(3):
        assert tokens.read_access(token) == ADA
    assert checked == [token]
    clock.at_ms += (RULES.access_ttl_s + 60) * 1000
    tokens.read_access(token)
    assert checked == [token, token]


def test_only_so_many_checked_tokens_are_remembered(tokens: Tokens, clock: HeldClock) -> None:
    for _ in range(MAX_CHECKED + 10):
        tokens.read_access(tokens.access(ADA, never_ms(clock)))
    assert len(tokens._checked) == MAX_CHECKED


def test_a_token_that_was_refused_is_not_remembered(tokens: Tokens, clock: HeldClock) -> None:
    head, claims, _ = tokens.access(ADA, never_ms(clock)).split(".")
    for _ in range(2):
        refused_access(tokens, f"{head}.{claims}.{'A' * 43}")
    assert tokens._checked == {}
