"""Two steps: images are uploaded on their own, and published as JSON."""

import io
from typing import Any

import pytest

from tests.e2e.conftest import Register
from tests.e2e.test_content import refused
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, photo_form
from tools.harness.waiting import wait_until

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


async def test_images_of_a_post_are_edited(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small(), photos.small(90), caption="Two")
    first, second = (image["id"] for image in post["images"])
    added = (await upload(ana, photos.small(150))).json["id"]
    path = f"/posts/{post['id']}"
    for body, field in (
        ({"media": []}, "media"),
        ({"media": [{"id": first}] * 2}, "media"),
        ({"media": [{"id": str(number)} for number in range(1, 12)]}, "media"),
        ({"media": [{"altText": "No id"}]}, "media.0.id"),
        ({"media": [{"id": first, "width": 1}]}, "media.0.width"),
        ({"media": [{"id": first}], "altTexts": ["x"]}, "altTexts"),
        ({"ifEditedAt": None}, "caption"),
    ):
        problem = await refused(ana, "PATCH", path, 422, "invalid_input", json=body)
        assert list(problem["errors"]) == [field], problem
    media = [{"id": added}, {"id": second, "altText": "Darker"}]
    await refused(ana, "PATCH", path, 409, "edited_in_between", json={"media": media, "ifEditedAt": "never"})
    edited = await ana.request("PATCH", path, json={"media": media, "ifEditedAt": None})
    assert [(image["id"], image["altText"]) for image in edited["images"]] == [
        (added, ""),
        (second, "Darker"),
    ]
    assert edited["editedAt"] is not None
    assert await ben.request("GET", path) == edited | {"author": (await ben.request("GET", path))["author"]}
    (version,) = (await ben.request("GET", f"{path}/history"))["items"]
    assert (version["caption"], version["removedImagesCount"]) == ("Two", 1)
    assert version["images"] == [post["images"][1]]
    await refused(ana, "PATCH", path, 422, "media_unusable", json={"media": [{"id": first}]})

    removed = post["images"][0]["url"]
    await wait_until(lambda: is_gone(ana, removed))
    await ana.request("PUT", "/users/profile", json={"isPrivate": True})
    await refused(ben, "GET", f"{path}/history", 404, "not_found")
    (hidden,) = (await ana.request("GET", f"{path}/history"))["items"]
    (shown,) = (await ana.request("GET", path))["images"][1:]
    assert hidden["images"][0]["url"] == shown["url"] != version["images"][0]["url"]


async def is_gone(person: Person, url: str) -> bool:
    return (await person.call("GET", url)).status == 404


async def test_posts_have_tags_and_places(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.request("PUT", "/tags/settings", json={"manualApproval": True})
    media = (await upload(ana, photos.small())).json["id"]
    tag = {"userId": ben.id, "x": 0.25, "y": 1}
    place = {"name": " Old  Harbour ", "lat": 53.5436, "lng": -9.9669}
    body = {"media": [{"id": media, "altText": "Boats", "tags": [tag]}], "place": place}
    for wrong, field in (
        ({"place": place | {"lat": 90.1}}, "place.lat"),
        ({"place": place | {"lng": "9"}}, "place.lng"),
        ({"place": place | {"lat": True}}, "place.lat"),
        ({"place": place | {"name": "\u200b"}}, "place.name"),
        ({"place": place | {"name": "x" * 101}}, "place.name"),
        ({"placeId": "1"}, "placeId"),
        ({"media": [{"id": media, "tags": [tag | {"x": 1.01}]}]}, "media.0.tags.0.x"),
        ({"media": [{"id": media, "tags": [tag, tag]}]}, "media.0.tags"),
        ({"media": [{"id": media, "tags": [tag] * 21}]}, "media.0.tags"),
        ({"media": [{"id": media}], "mediaIds": [media]}, "media"),
        ({"status": "draft"}, "media"),
    ):
        problem = await refused(ana, "POST", "/posts", 422, "invalid_input", json=body | wrong)
        assert list(problem["errors"]) == [field], problem
    post = await ana.request("POST", "/posts", json=body)
    shown = {"id": post["place"]["id"], "name": "Old Harbour", "lat": 53.5436, "lng": -9.9669}
    assert (post["place"], post["images"][0]["tags"], post["images"][0]["altText"]) == (shown, [], "Boats")
    path = f"/posts/{post['id']}"
    assert [each["id"] for each in (await ben.request("GET", "/tags/pending"))["items"]] == [post["id"]]
    (pending,) = (await ben.request("GET", f"{path}/tags"))["items"]
    assert (pending["pending"], pending["user"]["username"], pending["imageId"]) == (True, "ben", media)
    assert (await ben.call("POST", f"{path}/tags/approve")).status == 204
    (tagged,) = (await ana.request("GET", "/users/@ben/tagged"))["items"]
    assert tagged["images"][0]["tags"] == [tag]
    (cached,) = await ana.feed()
    assert (cached["images"], cached["place"]) == (tagged["images"], shown)

    async def found() -> list[dict[str, Any]]:
        return (await ben.request("GET", "/places?q=harb&lat=53.5&lng=-9.9"))["items"]

    (result,) = await wait_until(found)
    assert result == shown | {"postsCount": 1}
    assert await ben.request("GET", f"/places/{shown['id']}") == result
    assert (await ben.request("GET", "/search?q=harbour&type=places"))["items"] == [
        {"type": "place", "place": result}
    ]
    assert [each["id"] for each in (await ben.request("GET", f"/places/{shown['id']}/posts"))["items"]] == [
        post["id"]
    ]
    for query in ("", "?lat=1", "?q=a&lng=1", "?lat=nan&lng=1", "?lat=91&lng=1", "?lat=1_0&lng=1"):
        await refused(ben, "GET", f"/places{query}", 422, "invalid_input")
    assert (await ben.call("DELETE", f"{path}/tags")).status == 204
    edited = await ana.request("PATCH", path, json={"place": None})
    assert (edited["place"], edited["images"][0]["tags"]) == (None, [])
