"""Rate limits: a client above its limit gets 429 with Retry-After, and others are unaffected."""

import asyncio
import re
from pathlib import Path

import pytest

from server.clock import SystemClock
from server.ids import min_id_at
from server.models.database import Database
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, config_file, photo_form
from tools.harness.backends import Stack

ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
POLICY = re.compile(r'"[a-z_]+";q=\d+;w=\d+(, "[a-z_]+";q=\d+;w=\d+)*')
STATE = re.compile(r'"[a-z_]+";r=\d+;t=\d+(, "[a-z_]+";r=\d+;t=\d+)*')
NEW_COMMENTS = "comments = { per_hour = 60, per_day = 300 }"
PASSWORD = "a password of the tests"

# Generous for the setup, tight for the limits under test.
LIMITS = {
    "registration = { limit = 5, window_s = 3600 }": "registration = { limit = 50, window_s = 3600 }",
    "reads = { limit = 300, window_s = 60 }": "reads = { limit = 20, window_s = 60 }",
}
# Redis, per command: after a timeout on a busy machine, the process would count by itself, from 0.
PATIENT = {"timeout_s = 1.0": "timeout_s = 30.0"}


@pytest.fixture
async def limited(migrated_stack: Stack, new_program: NewProgram) -> Program:
    """A program with rate limits on, behind a trusted proxy on loopback."""
    environ = {"THROTTLE_ENABLED": "true", "TRUSTED_PROXIES": "127.0.0.0/8"}
    return await new_program("--port=0", config=roomy(migrated_stack), **environ).start()


def roomy(stack: Stack) -> Path:
    return config_file(stack.var_dir, {**LIMITS, **PATIENT})


def assert_rate_limited(answer: Answer, policy: str) -> None:
    assert answer.status == 429
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["code"] == "throttled"
    assert int(answer.headers["Retry-After"]) >= 1
    assert policy in answer.headers["RateLimit-Policy"].split(", ")


async def test_reads_are_limited_per_user_and_announced_in_headers(
    limited: Program, register: Register
) -> None:
    ana, ben = await register(limited, "ana", "ben")
    answers = await asyncio.gather(*(ana.call("GET", "/feed") for _ in range(30)))
    assert sorted(answer.status for answer in answers) == [200] * 20 + [429] * 10
    for answer in answers:
        assert answer.headers["RateLimit-Policy"] == '"reads";q=20;w=60'
        assert STATE.fullmatch(answer.headers["RateLimit"])
    assert {int(answer.headers["RateLimit"].split(";")[1][2:]) for answer in answers} == set(range(20))
    assert_rate_limited(await ana.call("GET", "/posts"), '"reads";q=20;w=60')
    # Other users, writes by ana, and health checks are not limited.
    assert (await ben.call("GET", "/feed")).status == 200
    published = await ana.call("POST", "/posts", data=photo_form(photos.small()))
    assert published.status == 201
    assert published.headers["RateLimit-Policy"] == (
        '"uploads";q=30;w=3600, "writes";q=60;w=60, "new_posts_hour";q=30;w=3600, "new_posts_day";q=100;w=86400'
    )
    picture = published.json["images"][0]["url"].partition("/media/")[2]
    for path in ("/healthz", "/readyz", f"/media/{picture}"):
        for answer in [await ana.call("GET", path) for _ in range(30)]:
            assert answer.status == 200
            assert "RateLimit" not in answer.headers
    # Failed requests count, and carry the headers.
    missing = await ben.call("GET", "/posts/12345")
    assert missing.status == 404
    assert missing.headers["RateLimit"].startswith('"reads";r=18;')


async def test_new_and_sanctioned_accounts_have_lower_limits(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    changes = {**LIMITS, **PATIENT, NEW_COMMENTS: "comments = { per_hour = 3, per_day = 300 }"}
    config = config_file(migrated_stack.var_dir, changes)
    program = await new_program("--port=0", config=config, THROTTLE_ENABLED="true").start()
    ana, mod = await register(program, "ana", "mod1")
    assert (await new_program("role", "mod1", "moderator").spawn().end()).code == 0
    old = await register_last_week(migrated_stack, ana, "old1")
    limits = (await ana.request("GET", "/config"))["newAccounts"]
    assert (limits["seconds"], limits["comments"]) == (86_400, {"perHour": 3, "perDay": 300})
    path = f"/posts/{(await ana.publish(photos.small()))['id']}/comments"

    async def comment(person: Person, times: int) -> list[Answer]:
        return [await person.call("POST", path, json={"content": "Nice"}) for _ in range(times)]

    *accepted, refused = await comment(ana, 4)
    assert [answer.status for answer in accepted] == [201] * 3
    assert_rate_limited(refused, '"new_comments_hour";q=3;w=3600')
    assert 1100 < int(refused.headers["Retry-After"]) <= 1200
    assert "New accounts have lower limits" in refused.json["detail"]
    answers = await comment(old, 5)
    assert [answer.status for answer in answers] == [201] * 5
    assert answers[0].headers["RateLimit-Policy"] == '"writes";q=60;w=60'

    await mod.request("POST", "/reports", json={"subjectType": "user", "subjectId": old.id, "reason": "spam"})
    (case,) = await mod.list_all("/moderation/reports")
    await mod.request("POST", f"/moderation/reports/{case['id']}/resolve", json={"action": "warn"})
    assert [answer.status for answer in await comment(old, 1)] == [201]  # until the token is refreshed
    await old.sign_in()
    assert [answer.status for answer in await comment(old, 4)] == [201] * 3 + [429]


async def register_last_week(stack: Stack, person: Person, username: str) -> Person:
    """Insert a user with the password of another one, and sign in."""
    database = Database(stack.database_parameters())
    await database.open()
    (row,) = await database.rows("SELECT * FROM users WHERE id = ?", [person.id])
    email = f"{username}@example.com"
    row = {
        **row,
        "id": min_id_at(SystemClock().now_ms() - 7 * 86_400_000),
        **dict.fromkeys(("username", "username_key"), username),
        **dict.fromkeys(("email", "email_key"), email),
    }
    marks = ", ".join("?" * len(row))
    await database.execute(f"INSERT INTO users ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    await database.close()
    return await Person(person.program, person.session, username).sign_in()


async def test_invalid_tokens_count_against_the_address(limited: Program, register: Register) -> None:
    ana, ben = await register(limited, "ana", "ben")
    token, ben.token = ana.token, "no.such.token"
    answers = [await ben.call("GET", "/feed") for _ in range(21)]
    assert [answer.status for answer in answers] == [401] * 20 + [429]
    assert answers[0].headers["RateLimit"].startswith('"reads";r=19;')
    ben.token = token
    assert (await ben.call("GET", "/feed")).status == 200


async def test_failed_sign_ins_are_limited(limited: Program, register: Register) -> None:
    ana, ben = await register(limited, "ana", "ben")
    device_token = (await sign_in(ana, "ana", PASSWORD, "203.0.113.1")).json["deviceToken"]
    ana.token = ben.token = ""

    # One account from one /24, in any spelling of the name. The right password counts in no case.
    tries = [await sign_in(ben, ["ana", "ANA"][n % 2], "wrong", f"198.51.100.{n}") for n in range(6)]
    assert [answer.status for answer in tries] == [401] * 5 + [429]
    assert tries[-1].json["code"] == "throttled"
    assert int(tries[-1].headers["Retry-After"]) >= 1
    right = [(await sign_in(ana, "ana", PASSWORD, "198.51.101.1")).status for _ in range(8)]
    assert right == [200] * 8

    # Many accounts from one address; a forged X-Forwarded-For changes nothing.
    tries = [await sign_in(ben, f"nobody{n}", "wrong", f"1.2.3.{n}, 203.0.113.9") for n in range(25)]
    assert [answer.status for answer in tries] == [401] * 20 + [429] * 5
    assert (await sign_in(ben, "nobody", "wrong", "203.0.113.10")).status == 401
    assert (await sign_in(ben, "ben", PASSWORD, "203.0.113.10")).status == 200

    # A hundred strangers do not lock the owner out.
    strangers = await asyncio.gather(*(sign_in(ben, "ana", "wrong", f"192.{n}.2.1") for n in range(100)))
    assert {answer.status for answer in strangers} <= {401, 429, 503}
    back = await sign_in(ana, "ana", PASSWORD, "203.0.113.1", deviceToken=device_token)
    assert back.status == 200
    assert (await sign_in(ana, "ana", PASSWORD, "192.1.2.1")).status == 429

    # Nor do they keep reset e-mails from the owner, by an error.
    for n in range(5):
        body, headers = {"email": "ana@example.com"}, {"X-Forwarded-For": f"192.{n}.2.1"}
        assert (await ben.call("POST", "/auth/forgot-password", json=body, headers=headers)).status == 202


async def sign_in(person: Person, name: str, password: str, address: str, **more: str) -> Answer:
    body = {"username": name, "password": password, **more}
    return await person.call("POST", "/auth/login", json=body, headers={"X-Forwarded-For": address})


@ON_EMBEDDED
async def test_forged_address_is_ignored_without_trusted_proxies(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0", config=roomy(stack), THROTTLE_ENABLED="true").start()
    (ana,) = await register(program, "ana")
    ana.token = ""
    statuses = [
        (
            await ana.call(
                "POST",
                "/auth/login",
                json={"username": f"nobody{n}", "password": "wrong"},
                headers={"X-Forwarded-For": f"198.51.100.{n}", "X-Real-IP": f"198.51.100.{n}"},
            )
        ).status
        for n in range(21)
    ]
    assert statuses == [401] * 20 + [429]


@ON_EMBEDDED
async def test_limits_hold_while_redis_is_unavailable(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    # On the Redis of the tests, which can be paused.
    environ = {"THROTTLE_ENABLED": "true", "REDIS_URL": stack.redis.url}
    program = await new_program("--port=0", config=config_file(stack.var_dir, LIMITS), **environ).start()
    (ana,) = await register(program, "ana")
    stack.redis.pause()
    try:
        body = {"username": "ana", "password": "wrong"}
        statuses = [(await ana.call("POST", "/auth/login", json=body)).status for _ in range(10)]
    finally:
        stack.redis.resume()
    assert statuses == [401] * 5 + [429] * 5
