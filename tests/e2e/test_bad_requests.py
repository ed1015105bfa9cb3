"""Malformed requests: each gets a 4xx problem that names the mistake, and no secret is logged."""

import asyncio
import gzip
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
import pytest
from aiohttp import ClientError

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.inputs.malicious_files import NOT_IMAGES, bombs
from tests.support.program import Answer, Person, Program, call_with_raw_headers, photo_form

MEMBERS = {"type", "title", "status", "detail", "instance", "code"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=cut"}
TOO_MANY = 11
OVER_5_MIB = 5 * 1024 * 1024 + 1
PASSWORD_CANARY = "canary password of a stranger"
TOKEN_CANARY = "canary.token.of-a-stranger"


@dataclass(frozen=True, slots=True)
class Case:
    """A request and the status it must get."""

    what: str
    status: int
    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])


async def test_bad_requests_get_problems_and_log_no_secrets(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    post_id = (await ana.publish(photos.small()))["id"]
    login = {"username": "ana", "password": PASSWORD_CANARY}
    faults: list[str] = []
    for cases in (
        bodies(),
        accounts(),
        profiles(),
        comments(post_id),
        uploads(),
        addresses(),
        queries(),
        tokens(ana),
    ):
        for case in cases:
            faults += [f"{case.what}: {fault}" for fault in await faults_of(case, ana)]
    for case in odd_headers(ana):
        answer = await call_with_raw_headers(program, case.method, case.path, **case.options)
        faults += [f"{case.what}: {fault}" for fault in faults_in(answer, case.status)]
    faults += await faults_of_odd_devices(ana)
    assert (await ana.call("POST", "/auth/login", json=login)).status == 401
    assert (await ana.call("GET", f"/feed?token={TOKEN_CANARY}")).status == 422
    assert not faults, "\n".join(faults)

    await ana.publish(photos.small())  # the program still works
    assert await program.interrupt() == 0
    said = program.out + program.err
    assert "request_crashed" not in said
    assert "Traceback" not in said
    assert all("exception" not in line for line in program.log)
    for secret in (
        ana.password,
        ana.token,
        ana.refresh_token,
        PASSWORD_CANARY,
        TOKEN_CANARY,
        "the tests, which is",
    ):
        assert secret not in said


async def faults_of(case: Case, person: Person) -> list[str]:
    """Return what is wrong with the answer to a bad request."""
    try:
        answer = await person.call(case.method, case.path, **case.options)
    except ClientError as error:
        return [f"no answer: {error!r}"]
    return list(faults_in(answer, case.status))


def faults_in(answer: Answer, status: int) -> Iterator[str]:
    if answer.status != status:
        yield f"status {answer.status}, not {status}: {answer.content[:200]!r}"
    if answer.headers.get("Content-Type", "").split(";")[0] != "application/problem+json":
        yield f"it is {answer.headers.get('Content-Type')}"
        return
    problem = answer.json
    if not MEMBERS <= problem.keys() <= MEMBERS | {"errors"}:
        yield f"members {sorted(problem)}"
    if (problem["status"], problem["title"]) != (answer.status, HTTPStatus(answer.status).phrase):
        yield f"it says {problem['status']} {problem['title']!r}"
    if not answer.headers.get("X-Request-Id"):
        yield "no X-Request-Id"
    if not problem["detail"] or PASSWORD_CANARY in str(problem):
        yield f"detail {problem['detail']!r}"
    if answer.status == 422 and not problem.get("errors"):
        yield "no errors by field"
    if answer.status == 405 and not answer.headers.get("Allow"):
        yield "no Allow"
    if answer.status == 401 and answer.headers.get("WWW-Authenticate") != "Bearer":
        yield "no WWW-Authenticate"


def bodies() -> Iterator[Case]:
    """Bodies that are not a JSON object."""
    for what, status, data, headers in (
        ("no JSON", 400, f"password={PASSWORD_CANARY}", JSON),
        ("nothing", 400, "", JSON),
        ("an array", 400, "[]", JSON),
        ("a string", 400, '"x"', JSON),
        ("deeper than anybody reads", 400, "[" * 20_000, JSON),
        ("NaN", 400, '{"username": NaN}', JSON),
        ("half a character", 400, '{"username": "\\ud800"}', JSON),
        ("a member twice", 400, '{"username": "abc", "username": "def"}', JSON),
        ("a member twice, spelt differently", 400, '{"username": "abc", "\\u0075sername": "def"}', JSON),
        ("a member twice further in", 400, '{"username": [{"a": 1, "a": 2}]}', JSON),
        ("as deep as can be read", 422, '{"username": ' + "[" * 500 + "]" * 500 + "}", JSON),
        ("infinity", 400, '{"username": -Infinity}', JSON),
        ("a number beyond all bounds", 400, '{"username": 1e999}', JSON),
        ("two values", 400, '{"username": "abc"} {}', JSON),
        ("a byte order mark", 400, b'\xef\xbb\xbf{"username": "abc"}', JSON),
        ("not UTF-8", 400, b'{"username": "\xff"}', JSON),
        ("a number without end", 400, '{"username": ' + "9" * 5000 + "}", JSON),
        ("a form", 415, "username=ana", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("over 64 KiB", 413, '{"username": "' + "a" * 70_000 + '"}', JSON),
        (
            "a bomb",
            413,
            gzip.compress(b'{"username": "' + b"a" * 50_000_000 + b'"}'),
            JSON | {"Content-Encoding": "gzip"},
        ),
        ("not the gzip that it says", 400, "{}", JSON | {"Content-Encoding": "gzip"}),
    ):
        yield Case(what, status, "POST", "/auth/register", {"data": data, "headers": headers})


def accounts() -> Iterator[Case]:
    """JSON objects with invalid members."""
    good = {"username": "cleo", "email": "cleo@example.com", "password": "a good password"}
    for what, changes in (
        ("an unknown member", {"role": "admin"}),
        ("a number as a name", {"username": 7}),
        ("an object as a name", {"username": {"a": 1}}),
        ("null", {"email": None}),
        ("a short name", {"username": "ab"}),
        ("a reserved name", {"username": "Admin"}),
        ("a name with a space", {"username": "a b c"}),
        ("a name with NUL", {"username": "abc\0def"}),
        ("no address", {"email": "nobody"}),
        ("an address that is longer when normalised", {"email": f"a@{'ﷺ' * 60}.com"}),
        ("an address with a line", {"email": "a@example.com\r\nBcc: b@example.com"}),
        ("a short password", {"password": "short"}),
        ("129 letters", {"password": "a good password" + "!" * 114}),
        ("a common password", {"password": "Password1!"}),
        ("the name as a password", {"username": "cleopatra", "password": "Cleopatra7"}),
        ("a list as a password", {"password": [PASSWORD_CANARY]}),
        ("NUL in a name", {"fullName": "a\0b"}),
        ("a full name of 10,000", {"fullName": "a" * 10_000}),
    ):
        yield Case(what, 422, "POST", "/auth/register", {"json": {**good, **changes}})
    taken = {**good, "username": "Ana"}
    yield Case("a taken name", 409, "POST", "/auth/register", {"json": taken})
    yield Case(
        "nobody", 401, "POST", "/auth/login", {"json": {"username": "nobody", "password": PASSWORD_CANARY}}
    )
    for what, password in (("a long password", "é" * 900), ("NUL in a password", "canary\0password")):
        yield Case(what, 401, "POST", "/auth/login", {"json": {"username": "ana", "password": password}})


def profiles() -> Iterator[Case]:
    """Profile members that are read-only, and invalid values."""
    for what, body in (
        ("a role of one's own choice", {"role": "admin"}),
        ("fame", {"isCelebrity": True}),
        ("followers", {"followersCount": 1_000_000}),
        ("another id", {"id": "1"}),
        ("a password", {"password": "a new password"}),
        ("NUL in a bio", {"bio": "a\0b"}),
        ("an address that is a script", {"website": "javascript:alert(1)"}),
    ):
        yield Case(what, 422, "PUT", "/users/profile", {"json": body})


def comments(post_id: str) -> Iterator[Case]:
    path = f"/posts/{post_id}/comments"
    for what, body in (
        ("an empty comment", {"content": ""}),
        ("blanks", {"content": "  \n "}),
        ("NUL", {"content": "a\0b"}),
        ("an unknown member", {"content": "x", "likesCount": 5}),
        ("a parent of the wrong type", {"content": "x", "parentId": 5}),
        ("a parent that is no id", {"content": "x", "parentId": "9223372036854775808"}),
        ("a comment of 2,201 letters", {"content": "a" * 2201}),
    ):
        yield Case(what, 422, "POST", path, {"json": body})
    lost = {"content": "x", "parentId": "12345"}
    yield Case("a parent that is not there", 404, "POST", path, {"json": lost})


def uploads() -> Iterator[Case]:
    photo = photos.small()
    no_photos = (
        *((what, 415, data) for what, data in NOT_IMAGES.items()),
        *((what, 413, data) for what, data in bombs().items()),
        ("a truncated JPEG", 422, photos.twelve_megapixels()[:200_000]),
        ("an empty file", 422, b""),
        ("a file over the limit", 413, photo + secrets.token_bytes(OVER_5_MIB)),
    )
    for path, name in (("/posts", "images"), ("/users/avatar", "avatar"), ("/media", "file")):
        for what, status, data in no_photos:
            yield Case(f"{what} for {path}", status, "POST", path, {"data": photo_form(data, field=name)})
    yield Case("too many files", 422, "POST", "/posts", {"data": photo_form(*[photo] * TOO_MANY)})
    yield Case("a long caption", 422, "POST", "/posts", {"data": photo_form(photo, caption="a" * 3000)})
    yield Case("JSON for a form", 415, "POST", "/users/avatar", {"json": {"avatar": "x"}})
    yield Case("a text for a form or JSON", 415, "POST", "/posts", {"data": "caption=x"})
    yield Case("no body for a form", 415, "POST", "/posts")
    head = b'--cut\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    photo_head = head % (b"images", b'; filename="a.jpg"')
    for what, status, data in (
        ("no end of the form", 400, photo_head + photo),
        ("another boundary", 400, (photo_head + photo + b"\r\n--cut--\r\n").replace(b"cut", b"tuc")),
        ("no picture", 422, head % (b"caption", b"") + b"x\r\n--cut--\r\n"),
        ("an unknown field", 422, head % (b"role", b"") + b"admin\r\n--cut--\r\n"),
        ("a caption of 20,000 letters", 422, head % (b"caption", b"") + b"a" * 20_000 + b"\r\n--cut--\r\n"),
        (
            "an unknown charset",
            422,
            head % (b"_charset_", b"") + b"x\r\n" + head % (b"caption", b"") + b"x\r\n--cut--\r\n",
        ),
        ("a field without a name", 422, b"--cut\r\n\r\nx\r\n--cut--\r\n"),
        ("a caption that is not UTF-8", 422, head % (b"caption", b"") + b"\xff\xfe\r\n--cut--\r\n"),
        ("headers without a colon", 400, b"--cut\r\nnonsense\r\n\r\nx\r\n--cut--\r\n"),
        ("a field whose name is not UTF-8", 422, head % (b"\xff", b"") + b"x\r\n--cut--\r\n"),
        ("a form after more lines than one", 400, b"\n" * 1000 + photo_head + photo + b"\r\n--cut--\r\n"),
        ("rubbish", 400, secrets.token_bytes(5000)),
        ("nothing in the form", 400, b""),
    ):
        yield Case(what, status, "POST", "/posts", {"data": data, "headers": FORM})
    bomb = {"data": gzip.compress(b"\n" * 3_000_000), "headers": FORM | {"Content-Encoding": "gzip"}}
    yield Case("a bomb of empty lines", 415, "POST", "/posts", bomb)
    without = {"Content-Type": "multipart/form-data"}
    yield Case("a picture that is a field", 422, "POST", "/users/avatar", {
        "data": head % (b"avatar", b"") + b"\r\n--cut--\r\n", "headers": FORM,
    })  # fmt: skip
    yield Case("no boundary", 400, "POST", "/posts", {"data": b"--cut--", "headers": without})


def addresses() -> Iterator[Case]:
    for path in (
        "/nothing",
        "/posts/1/nothing",
        "/auth",
        "/media/",
        "/media/../run.py",
        "/media/posts/x/large.jpg",
        f"/media/{'a' * 256}",
    ):
        yield Case(f"GET {path}", 404, "GET", path)
    for text in (
        "abc",
        "-1",
        "0",
        "1.5",
        "9223372036854775808",
        str(2**63 - 1),
        "9" * 400,
        "1%00",
        "%FF",
        "١٢",
    ):
        yield Case(f"post {text[:40]}", 404, "GET", f"/posts/{text}")
        yield Case(f"user {text[:40]}", 404, "GET", f"/users/{text}")
        yield Case(f"like of post {text[:40]}", 404, "POST", f"/posts/{text}/likes")
        yield Case(f"following user {text[:40]}", 404, "POST", f"/users/{text}/follow")
    for name in ("@nobody", "@", "@%25", "@a' OR 1=1"):
        yield Case(f"user {name}", 404, "GET", f"/users/{name}")
    yield Case("a comment on no post", 404, "POST", "/posts/12345/comments", {"json": {"content": "x"}})
    for method, path in (("DELETE", "/feed"), ("PATCH", "/posts"), ("PUT", "/auth/login"), ("COPY", "/feed")):
        yield Case(f"{method} {path}", 405, method, path)


def queries() -> Iterator[Case]:
    for path in ("/feed", "/posts", "/notifications"):
        for query in (
            "limit=0", "limit=101", "limit=-1", "limit=abc", "limit=", "limit=1000000000", "limit=%00",
            "limit=1e9", "limit=1_0", "limit=%2B10", "limit=%D9%A1", "limit=9" + "9" * 30,
            "cursor=rubbish", "cursor=", "cursor=////", "cursor=" + "A" * 500, "cursor=%00", "cursor=%F0%9F%93%B7",
            "colour=red",
        ):  # fmt: skip
            yield Case(f"{path}?{query[:40]}", 422, "GET", f"{path}?{query}")
    for user_id in ("abc", "9223372036854775808"):
        yield Case(f"posts of {user_id}", 422, "GET", f"/posts?userId={user_id}")
    yield Case("posts of a number above every id", 404, "GET", "/posts?userId=9999999999999999")
    yield Case("posts of nobody", 404, "GET", "/posts?userId=12345")


def tokens(person: Person) -> Iterator[Case]:
    head, claims, signature = person.token.split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for what, value in (
        ("no token", ""),
        ("an empty token", "Bearer "),
        ("a made-up token", f"Bearer {TOKEN_CANARY}"),
        ("another scheme", f"Basic {person.token}"),
        ("an unsigned token", f"Bearer {none}.{claims}."),
        ("a cut token", f"Bearer {head}.{claims}.{signature[:-4]}"),
        ("a refresh token", f"Bearer {person.refresh_token}"),
        ("not ASCII", "Bearer é"),
    ):
        for path in ("/feed", "/notifications/stream"):
            yield Case(f"{what} for {path}", 401, "GET", path, {"headers": {"Authorization": value}})


def odd_headers(person: Person) -> Iterator[Case]:
    """Headers with a byte that is not UTF-8."""
    good = {"Authorization": f"Bearer {person.token}"}
    for name, status in (
        ("Authorization", 401),
        ("Expect", 417),
        ("Last-Event-ID", 404),
        ("X-Request-Id", 404),
        ("Origin", 404),
        ("Cookie", 404),
        ("X-Forwarded-For", 404),
    ):
        yield Case(
            f"{name} is not UTF-8", status, "GET", "/posts/1", {"headers": {**good, name: "Bearer \xff"}}
        )
    for name, status in (("Content-Type", 415), ("Content-Encoding", 404), ("Idempotency-Key", 422)):
        options = {"headers": {**good, **JSON, name: "a\xff"}, "body": b'{"content": "x"}'}
        yield Case(f"{name} is not UTF-8", status, "POST", "/posts/1/comments", options)


async def faults_of_odd_devices(ana: Person) -> list[str]:
    """Return what goes wrong with a User-Agent that is not text: it must be stored with replacement characters."""
    faults: list[str] = []
    headers = {**JSON, "User-Agent": "a\xff"}
    mia = {"username": "mia", "email": "mia@example.com", "password": ana.password}
    for path, body, status in (
        ("/auth/register", mia, 201),
        ("/auth/login", {"username": "ana", "password": ana.password}, 200),
        ("/auth/refresh", {"refreshToken": ana.refresh_token}, 200),
    ):
        answer = await call_with_raw_headers(ana.program, "POST", path, headers, orjson.dumps(body))
        if answer.status != status:
            faults.append(f"{path} by an odd device: status {answer.status}, not {status}")
    named = [device["device"] for device in (await ana.request("GET", "/auth/sessions"))["items"]]
    return faults if named == ["a?", "a?"] else [*faults, f"odd devices are called {named}"]


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_client_disconnects_are_not_logged_as_errors(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    photo = photos.twelve_megapixels()
    bodies = {
        "/auth/login": (JSON, b'{"username": "ana", "pass'),
        "/posts": (
            FORM,
            b'--cut\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n' + photo,
        ),
    }
    for path, (headers, half) in bodies.items():
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {2 * len(half)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Authorization: Bearer {ana.token}", "", ""]
        _, writer = await asyncio.open_connection("127.0.0.1", program.port)
        writer.write("\r\n".join(lines).encode() + half)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    async with ana.stream():
        pass
    await ana.publish(photos.small())
    assert await program.interrupt() == 0
    assert "Traceback" not in program.out + program.err
    assert all("exception" not in line and line["level"] != "error" for line in program.log), program.log
