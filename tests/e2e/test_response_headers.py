"""Headers of all answers: security, CORS, caching and request ids."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientTimeout

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

SITE, OTHER_SITE = "https://www.example.com", "http://localhost:8080"
STRANGERS = (
    "https://www.example.org", "https://www.example.com.evil.test", "http://www.example.com", "null", "*", "",
)  # fmt: skip
CORS = "Access-Control-"


@pytest.fixture
async def program(new_program: NewProgram) -> Program:
    return await new_program("--port=0", CORS_ORIGINS=f"{SITE},{OTHER_SITE}").start()


@pytest.fixture
async def ana(program: Program, register: Register) -> Person:
    (ana,) = await register(program, "ana")
    return ana


def cors_headers(answer: Answer) -> set[str]:
    return {name for name in answer.headers if name.startswith(CORS)}


async def answers_of_all_kinds(ana: Person) -> AsyncIterator[Answer]:
    published = await ana.publish(photos.small())
    yield await ana.call("GET", "/feed")
    yield await ana.call("GET", "/posts/12345")
    yield await ana.call("GET", "/nothing")
    yield await ana.call("PATCH", "/feed")
    yield await ana.call("GET", "/feed?limit=-1")
    yield await ana.call("GET", "/healthz")
    yield await ana.call("GET", published["images"][0]["url"])
    yield await ana.call("GET", "/feed", headers={"Authorization": "Bearer x"})


async def test_every_answer_has_security_headers(ana: Person) -> None:
    async for answer in answers_of_all_kinds(ana):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cross-Origin-Resource-Policy"] in {"same-origin", "cross-origin"}
        assert answer.headers["X-Request-Id"]
        assert answer.headers["Server"] == "photofeed"
        assert "Strict-Transport-Security" not in answer.headers
    async with ana.stream() as reader:
        assert reader.response.headers["X-Content-Type-Options"] == "nosniff"
        assert reader.response.headers["X-Request-Id"]
    assert (await ana.call("GET", "/healthz", headers={"X-Request-Id": "mine"})).headers[
        "X-Request-Id"
    ] == "mine"


async def test_private_answers_are_not_cached_and_images_are(ana: Person) -> None:
    published = await ana.publish(photos.small())
    for path in ("/auth/sessions", "/posts/12345", f"/posts/{published['id']}/audience"):
        assert (await ana.call("GET", path)).headers["Cache-Control"] == "no-store"
    picture = await ana.call("GET", published["images"][0]["url"])
    assert "immutable" in picture.headers["Cache-Control"]
    assert picture.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_polled_answers_are_sent_again_only_if_changed(ana: Person, register: Register) -> None:
    (ben,) = await register(ana.program, "ben")
    published = await ana.publish(photos.small())
    for path in (
        "/feed", "/feed?limit=1", "/users/profile", "/users/@ana", "/notifications", "/notifications/unread-count",
        "/posts", f"/posts/{published['id']}", f"/posts/{published['id']}/comments", f"/posts/{published['id']}/likes",
        "/users/@ana/followers", "/users/@ana/following", "/follow-requests", "/hashtags/sunset/posts",
        "/users/@ana?include=posts", f"/posts/{published['id']}?include=comments",
    ):  # fmt: skip
        first = await ana.call("GET", path)
        assert first.headers["Cache-Control"] == "private, no-cache"
        etag = {"If-None-Match": first.headers["ETag"]}
        for method in ("GET", "HEAD"):
            again = await ana.call(method, path, headers=etag)
            assert (again.status, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    feed, profile = await ana.call("GET", "/feed"), await ana.call("GET", "/users/@ana")
    await ben.like(published["id"])
    await ben.follow(ana)
    for before, path in ((feed, "/feed"), (profile, "/users/@ana")):
        changed = await ana.call("GET", path, headers={"If-None-Match": before.headers["ETag"]})
        assert changed.status == 200
        assert changed.headers["ETag"] != before.headers["ETag"]
    signed_in = await ana.call("POST", "/auth/login", json={"username": "ana", "password": ana.password})
    assert not {"ETag", "Content-Encoding"} & signed_in.headers.keys()
    assert signed_in.headers["Cache-Control"] == "no-store"


async def test_hsts_is_sent_on_https_only(new_program: NewProgram, register: Register) -> None:
    program = await new_program("--port=0", PUBLIC_URL="https://photos.example.com").start()
    (ana,) = await register(program, "ana")
    assert (await ana.call("GET", "/feed")).headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_allowed_origin_may_read_every_answer(ana: Person) -> None:
    for site in (SITE, OTHER_SITE):
        async for answer in answers_of_all_kinds(_on_site(ana, site)):
            assert answer.headers["Access-Control-Allow-Origin"] == site
            assert "Origin" in answer.headers["Vary"]
            shown = answer.headers["Access-Control-Expose-Headers"].split(", ")
            assert {"Link", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "Location"} <= {
                *shown
            }
            assert "Access-Control-Allow-Credentials" not in answer.headers
    async with ana.session.get(
        f"{ana.program.url}/notifications/stream",
        headers={"Authorization": f"Bearer {ana.token}", "Origin": SITE},
        timeout=ClientTimeout(total=None, sock_connect=5),
    ) as stream:
        assert stream.headers["Access-Control-Allow-Origin"] == SITE


async def test_other_origins_get_no_cors_headers(ana: Person) -> None:
    for site in STRANGERS:
        answer = await ana.call("GET", "/feed", headers={"Origin": site})
        assert answer.status == 200
        assert cors_headers(answer) == set()
        assert answer.headers["Vary"] == "Origin"
        preflight = await ask(ana, "/feed", "GET", site)
        assert preflight.status == 405
        assert cors_headers(preflight) == set()
    assert cors_headers(await ana.call("GET", "/feed")) == set()


async def test_preflight_lists_the_methods_of_the_route(ana: Person) -> None:
    ana.token = ""  # browsers send none with it
    for path, methods in (
        ("/feed", {"GET", "HEAD"}),
        ("/posts/1/likes", {"POST", "DELETE"}),
        ("/users/profile", {"GET", "HEAD", "PUT"}),
        ("/notifications/stream", {"GET"}),
    ):
        answer = await ask(ana, path, "GET", SITE)
        assert (answer.status, answer.content) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == SITE
        assert methods <= {*answer.headers["Access-Control-Allow-Methods"].split(", ")}
        sent = {*answer.headers["Access-Control-Allow-Headers"].split(", ")}
        assert {
            "Authorization",
            "Content-Type",
            "If-None-Match",
            "Range",
            "Traceparent",
            "X-Request-Id",
        } <= sent
        assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert (await ask(ana, "/nothing", "GET", SITE)).status == 404
    # An OPTIONS request that is not a preflight is an ordinary method.
    assert (await ana.call("OPTIONS", "/feed", headers={"Origin": SITE})).status == 405


async def test_no_cors_without_allowed_origins(new_program: NewProgram, register: Register) -> None:
    (ana,) = await register(await new_program("--port=0").start(), "ana")
    answer = await ana.call("GET", "/feed", headers={"Origin": SITE})
    assert cors_headers(answer) == set()
    assert "Vary" not in answer.headers
    assert (await ask(ana, "/feed", "GET", SITE)).status == 405


async def ask(person: Person, path: str, method: str, site: str) -> Answer:
    headers = {"Origin": site, "Access-Control-Request-Method": method}
    return await person.call("OPTIONS", path, headers=headers)


def _on_site(ana: Person, site: str) -> Person:
    """Return ana as a browser on `site`."""

    class InBrowser(Person):
        async def call(self, method: str, path: str, **options: object) -> Answer:
            headers = {"Origin": site, **options.pop("headers", {})}  # type: ignore[dict-item]
            return await super().call(method, path, headers=headers, **options)

    return InBrowser(ana.program, ana.session, ana.username, ana.id, ana.token)
