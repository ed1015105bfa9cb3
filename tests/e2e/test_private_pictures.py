"""Pictures of private accounts: signed addresses, in a folder and in a bucket; what strangers kept stops working."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, photo_form
from tools.harness.backends import Stack


@pytest.fixture
def s3_bucket(s3_server: str, tmp_path: Path) -> dict[str, str]:
    """The environment of programs with a bucket."""
    return {
        "MEDIA_URL": f"s3://pictures/{tmp_path.name}",
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
    }


def addresses(image: dict[str, Any]) -> list[str]:
    """Return all addresses of a picture."""
    sources = [*image["sources"], image["thumbnail"]]
    return [*(source["url"] for source in sources), image["url"], *image["variants"].values()]


async def get(session: ClientSession, url: str, method: str = "GET", **headers: str) -> Answer:
    """Send a request without an account."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with session.request(method, url, headers=named) as response:
        return Answer(response.status, response.headers, await response.read())


async def statuses(session: ClientSession, urls: Sequence[str]) -> set[int]:
    return {(await get(session, url)).status for url in urls}


async def set_private(person: Person, private: bool) -> None:
    await person.request("PATCH", "/users/profile", json={"isPrivate": private})


async def images_of(person: Person, post_id: str) -> dict[str, Any]:
    (image,) = (await person.request("GET", f"/posts/{post_id}"))["images"]
    return image


async def check_turning_private(session: ClientSession, author: Person, follower: Person) -> None:
    """Assert that kept addresses stop working at once, and that new ones are given to followers only."""
    await follower.follow(author)
    post = await author.publish(photos.small())
    kept = addresses(post["images"][0])
    assert await statuses(session, kept) == {200}
    (in_feed,) = await follower.feed()
    assert addresses(in_feed["images"][0]) == kept

    await set_private(author, True)
    assert await statuses(session, kept) == {404}
    image = await images_of(follower, post["id"])
    (in_feed,) = await follower.feed()
    assert in_feed["images"][0] == image
    own = await images_of(author, post["id"])
    assert [url.partition("?")[0] for url in addresses(image)] == kept
    assert await statuses(session, [*addresses(image), *addresses(own)]) == {200}
    assert not set(addresses(own)) & set(addresses(image))
    assert await images_of(follower, post["id"]) == image

    await follower.request("DELETE", f"/users/{author.id}/follow")
    assert await statuses(session, [*addresses(image), *kept]) == {404}
    await set_private(author, False)
    assert await statuses(session, [*kept, *addresses(image)]) == {200}
    assert addresses(await images_of(follower, post["id"])) == kept


async def test_kept_addresses_stop_working_in_a_folder(
    program: Program, register: Register, session: ClientSession
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await check_turning_private(session, ana, ben)


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_kept_addresses_stop_working_in_a_bucket(
    migrated_stack: Stack, s3_bucket: dict[str, str], new_program: NewProgram, register: Register,
    session: ClientSession,
) -> None:  # fmt: skip
    program = await new_program("--port=0", **s3_bucket).start()
    ana, ben = await register(program, "ana", "ben")
    await check_turning_private(session, ana, ben)
    assert not program.logged("media_bucket_public")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_addresses_lead_to_the_cdn(
    migrated_stack: Stack, new_program: NewProgram, register: Register, session: ClientSession
) -> None:
    cdn = "https://cdn.photos.test"
    program = await new_program("--port=0", CDN_URL=f"{cdn}/").start()
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    public = await ana.publish(photos.small())
    await set_private(ana, True)
    private = await images_of(ben, public["id"])
    assert [url.partition("?")[0] for url in addresses(private)] == addresses(public["images"][0])
    for url in [*addresses(public["images"][0]), *addresses(private)]:
        assert url.startswith(f"{cdn}/media/posts/")
    # The CDN requests the same path and query from the server.
    assert await statuses(session, [url.replace(cdn, program.url) for url in addresses(private)]) == {200}
    assert await statuses(
        session, [url.replace(cdn, program.url) for url in addresses(public["images"][0])]
    ) == {404}
    for page in ("/", "/admin", f"/p/{public['id']}"):
        policy = (await get(session, f"{program.url}{page}", Accept="text/html")).headers[
            "Content-Security-Policy"
        ]
        (images,) = [part for part in policy.split("; ") if part.startswith("img-src")]
        assert cdn in images.split()


async def test_signed_addresses_answer_like_public_ones(
    program: Program, register: Register, session: ClientSession
) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    before = await get(session, post["images"][0]["url"])
    assert before.headers["Cache-Control"] == "public, max-age=31536000, s-maxage=3600, immutable"
    await set_private(ana, True)
    url = (await images_of(ana, post["id"]))["url"]
    whole = await get(session, url)
    assert (whole.status, whole.content) == (200, before.content)
    assert whole.headers["ETag"] == before.headers["ETag"]
    caching, max_age, *_ = whole.headers["Cache-Control"].split(", ")
    assert caching == "private"
    assert 42_500 <= int(max_age.removeprefix("max-age=")) <= 86_400
    head = await get(session, url, "HEAD")
    assert (head.status, head.headers["Content-Length"], head.content) == (200, str(len(whole.content)), b"")
    part = await get(session, url, Range="bytes=5-9")
    assert (part.status, part.content) == (206, whole.content[5:10])
    known = await get(session, url, If_None_Match=whole.headers["ETag"])
    assert (known.status, known.content) == (304, b"")
    assert known.headers["Cache-Control"].startswith("private, ")


async def test_changed_and_shortened_addresses_lead_to_nothing(
    program: Program, register: Register, session: ClientSession
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await set_private(ana, True)
    (image,) = (await ana.publish(photos.small()))["images"]
    (other,) = (await ana.publish(photos.small(9)))["images"]
    url = image["url"]
    plain, _, query = url.partition("?")
    for changed in (
        plain,
        f"{plain}?x=1",
        url[:-1],
        url.replace(f"viewer={ana.id}", f"viewer={ben.id}"),
        url.replace("expires=1", "expires=2"),
        f"{other['url'].partition('?')[0]}?{query}",
        url.replace("signature=", "signature=A"),
    ):
        for method in ("GET", "HEAD"):
            assert (await get(session, changed, method, Range="bytes=0-1")).status == 404, changed
    assert (await get(session, url)).status == 200


async def test_unused_pictures_belong_to_their_owner(
    program: Program, register: Register, session: ClientSession
) -> None:
    (ana,) = await register(program, "ana")
    media = await ana.request("POST", "/media", data=photo_form(photos.small(), field="file"))
    url = media["image"]["url"]
    assert await statuses(session, [url]) == {200}
    assert await statuses(session, [url.partition("?")[0]]) == {404}
    post = await ana.request("POST", "/posts", json={"mediaIds": [media["id"]]})
    assert post["images"][0]["url"] == url.partition("?")[0]
    assert await statuses(session, [url, post["images"][0]["url"]]) == {200}
