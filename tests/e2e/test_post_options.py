"""Options of posts through the API: comments that are turned off, hidden like counts."""

from typing import Any

from aiohttp import ClientSession

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form
from tools.harness.waiting import wait_until


async def counts(person: Person, post_id: str) -> tuple[Any, Any]:
    """Return the counters of a post, which are the same in every list."""
    post = await person.request("GET", f"/posts/{post_id}")
    (in_feed,) = await person.feed()
    (in_list,) = await person.list_all(f"/posts?ids={post_id}")
    (tagged,) = await person.list_all("/hashtags/light/posts")
    shown = {(each["likesCount"], each["commentsCount"]) for each in (post, in_feed, in_list, tagged)}
    assert len(shown) == 1, shown
    return shown.pop()


async def test_options_of_a_post_are_set_by_form_json_and_edit(program: Program, register: Register) -> None:
    ana, eve = await register(program, "ana", "eve")
    await eve.follow(ana)
    form = photo_form(photos.small())
    for name, value in (("commentsEnabled", "false"), ("hideLikeCount", "true"), ("caption", "#light")):
        form.add_field(name, value)
    post = await ana.request("POST", "/posts", data=form)
    assert (post["commentsEnabled"], post["hideLikeCount"], post["likesCount"]) == (False, True, 0)
    path = f"/posts/{post['id']}"
    refused = await eve.call("POST", f"{path}/comments", json={"content": "First"})
    assert (refused.status, refused.json["code"]) == (403, "comments_off")
    assert await eve.request("POST", f"{path}/likes") == {"liked": True, "likesCount": None}
    await wait_until(lambda: eve.list_all("/hashtags/light/posts"))
    assert await counts(eve, post["id"]) == (None, 0)
    assert (await ana.request("GET", path))["likesCount"] == 1

    edited = await ana.request("PATCH", path, json={"commentsEnabled": True, "hideLikeCount": False})
    assert (edited["commentsEnabled"], edited["hideLikeCount"]) == (True, False)
    await eve.comment(post["id"], "First")
    assert await counts(eve, post["id"]) == (1, 1)
    await ana.request("PUT", path, json={"hideLikeCount": True})
    assert await counts(eve, post["id"]) == (None, 1)
    await ana.request("PUT", path, json={"commentsEnabled": False})
    assert await counts(eve, post["id"]) == (None, 0)
    assert await eve.list_all(f"{path}/comments") == []
    async with ClientSession() as anyone, anyone.get(f"{program.url}/p/{post['id']}") as page:
        shown = await page.text()
    assert page.status == 200
    assert "1 like" not in shown
    assert "1 comment" not in shown

    media = await ana.request("POST", "/media", data=photo_form(photos.small(), field="file"))
    sent = {"mediaIds": [media["id"]], "hideLikeCount": True}
    published = await ana.request("POST", "/posts", json=sent)
    assert (published["commentsEnabled"], published["hideLikeCount"]) == (True, True)


async def test_options_that_are_no_flags_are_refused(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    form = photo_form(photos.small())
    form.add_field("hideLikeCount", "perhaps")
    post = await ana.publish(photos.small())
    for answer in (
        await ana.call("POST", "/posts", data=form),
        await ana.call("PATCH", f"/posts/{post['id']}", json={"hideLikeCount": "yes"}),
    ):
        assert answer.status == 422
        assert "hideLikeCount" in answer.json["errors"]
