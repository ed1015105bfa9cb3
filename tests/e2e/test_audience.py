"""Audiences of posts and close friends through the API."""

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Program, photo_form


async def test_audience_is_set_by_form_json_and_edit(program: Program, register: Register) -> None:
    ana, eve = await register(program, "ana", "eve")
    await eve.follow(ana)
    form = photo_form(photos.small())
    form.add_field("audience", "close_friends")
    secret = await ana.request("POST", "/posts", data=form)
    assert secret["audience"] == "close_friends"
    path = f"/posts/{secret['id']}"
    assert (await eve.call("GET", path)).status == 404
    assert await eve.feed() == []

    assert (await ana.call("POST", f"/users/{eve.id}/close-friend")).status == 204
    assert [each["id"] for each in await ana.list_all("/close-friends")] == [eve.id]
    assert [each["audience"] for each in await eve.feed()] == ["close_friends"]
    assert (await ana.call("DELETE", f"/users/{eve.id}/close-friend")).status == 204
    assert await eve.feed() == []

    assert (await ana.request("PATCH", path, json={"audience": "followers"}))["audience"] == "followers"
    assert (await eve.request("GET", path))["audience"] == "followers"
    assert (await eve.request("GET", f"/feed/explain?postId={secret['id']}"))["audience"] == "followers"

    media = await ana.request("POST", "/media", data=photo_form(photos.small(), field="file"))
    sent = {"mediaIds": [media["id"]], "audience": "followers"}
    assert (await ana.request("POST", "/posts", json=sent))["audience"] == "followers"
    assert (await ana.publish(photos.small()))["audience"] == "public"


async def test_unknown_audience_is_refused(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    form = photo_form(photos.small())
    form.add_field("audience", "friends")
    post = await ana.publish(photos.small())
    for answer in (
        await ana.call("POST", "/posts", data=form),
        await ana.call("PATCH", f"/posts/{post['id']}", json={"audience": "friends"}),
    ):
        assert (answer.status, list(answer.json["errors"])) == (422, ["audience"])
