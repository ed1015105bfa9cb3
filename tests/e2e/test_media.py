"""Two steps: images are uploaded on their own, and published as JSON."""

import io

import pytest

from tests.e2e.conftest import Register
from tests.e2e.test_content import refused
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, photo_form

KEY = {"Idempotency-Key": "one-upload"}


async def upload(
    person: Person, photo: bytes | io.BytesIO, kind: str = "image/jpeg", **headers: str
) -> Answer:
    return await person.call("POST", "/media", data=photo, headers={"Content-Type": kind, **headers})


async def test_image_uploaded_on_its_own_is_published(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    form = photo_form(photos.small(), field="file")
    form.add_field("altText", "A blue square")
    first = (await ana.call("POST", "/media", data=form)).json
    assert (first["status"], first["altText"], first["problem"]) == ("ready", "A blue square", None)
    assert first["image"]["blurhash"]
    raw = await upload(ana, photos.small(90))
    second = raw.json
    assert raw.status == 201
    assert raw.headers["Location"] == f"/media/unused/{second['id']}"
    assert await ana.request("GET", raw.headers["Location"]) == second
    described = await ana.request("PUT", raw.headers["Location"], json={"altText": "Darker"})
    assert described["image"]["altText"] == described["altText"] == "Darker"
    assert [media["id"] for media in (await ana.request("GET", "/media/unused"))["items"]] == [
        second["id"],
        first["id"],
    ]

    body = {"caption": "Two #squares", "mediaIds": [second["id"], first["id"]], "altTexts": ["Dark"]}
    problem = await refused(ben, "POST", "/posts", 422, "media_unusable", json=body)
    assert problem["errors"]["mediaIds"][0].startswith("Image 1: Not found")
    post = await ana.request("POST", "/posts", json=body)
    assert (post["caption"], post["hashtags"]) == ("Two #squares", ["squares"])
    assert [image["altText"] for image in post["images"]] == ["Dark", "A blue square"]
    assert post["images"][1]["url"] == first["image"]["url"].partition("?")[0]
    await refused(ana, "POST", "/posts", 422, "media_unusable", json=body)
    await refused(ana, "GET", raw.headers["Location"], 404, "not_found")


async def test_upload_and_publication_are_idempotent(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    first, again = [await upload(ana, photos.small(), **KEY) for _ in range(2)]
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await upload(ana, photos.small(9), **KEY)).json["code"] == "idempotency_key_reused"
    body = {"mediaIds": [first.json["id"]]}
    posts = [await ana.call("POST", "/posts", json=body, headers=KEY) for _ in range(2)]
    assert [post.status for post in posts] == [201, 201]
    assert posts[0].json == posts[1].json


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_unusable_uploads_are_refused(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    for kind, content, status, code in (
        ("text/plain", b"x", 415, "unsupported_media"),
        ("image/svg+xml", b"<svg/>", 415, "unsupported_media"),
        ("image/jpeg", b"", 422, "image_empty"),
        ("application/octet-stream", photos.small()[:300], 422, "image_damaged"),
        ("image/jpeg", io.BytesIO(bytes(5_242_881)), 413, "too_large"),
    ):
        answer = await upload(ana, content, kind)
        assert (answer.status, answer.json["code"]) == (status, code), (kind, answer)
    for body, field in (
        ({"mediaIds": []}, "mediaIds"),
        ({"caption": "x"}, "mediaIds"),
        ({"mediaIds": ["1", "01"]}, "mediaIds"),
        ({"mediaIds": ["x"]}, "mediaIds.0"),
        ({"mediaIds": [str(number) for number in range(11)]}, "mediaIds"),
        ({"mediaIds": ["1"], "altTexts": ["a", "b"]}, "altTexts"),
    ):
        problem = await refused(ana, "POST", "/posts", 422, "invalid_input", json=body)
        assert list(problem["errors"]) == [field], problem
    assert (await ana.request("GET", "/media/unused"))["items"] == []
