"""Drafts and scheduled posts through the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form
from tools.harness.waiting import wait_until


def after(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat(timespec="milliseconds")


def form(**texts: str) -> Any:
    sent = photo_form(photos.small())
    for name, text in texts.items():
        sent.add_field(name, text)
    return sent


async def ids(person: Person, status: str) -> list[str]:
    return [post["id"] for post in await person.list_all(f"/posts?status={status}")]


async def first_in_feed(person: Person) -> dict[str, Any]:
    """Return the newest post in the feed, once there is one."""

    async def first() -> dict[str, Any]:
        feed = await person.feed()
        return feed[0] if feed else {}

    return await wait_until(first)


async def test_draft_is_kept_changed_and_published(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    draft = await ana.request("POST", "/posts", data=form(status="draft", caption="Soon"))
    path = f"/posts/{draft['id']}"
    assert (draft["status"], draft["publishAt"], draft["problem"]) == ("draft", None, None)
    assert await ana.request("GET", path) == draft
    assert await ids(ana, "draft") == [draft["id"]]
    assert await ids(ana, "published") == await ids(ana, "scheduled") == []
    for method in ("GET", "DELETE"):
        assert (await ben.call(method, path)).status == 404
    for other in (f"{path}/likes", f"{path}/comments"):
        assert (
            await ana.call("POST", other, json={"content": "x"} if "com" in other else None)
        ).status == 404
    edited = await ana.request("PATCH", path, json={"caption": "Now", "altTexts": ["A hill"]})
    assert (edited["caption"], edited["images"][0]["altText"]) == ("Now", "A hill")

    post = await ana.request("PUT", path, json={"status": "published"})
    assert (post["status"], post["caption"]) == ("published", "Now")
    assert "publishAt" not in post
    assert post["id"] != draft["id"]
    assert (await ana.request("GET", path))["id"] == post["id"]
    assert (await first_in_feed(ben))["id"] == post["id"]
    refused = await ana.call("PATCH", path, json={"caption": "Later"})
    assert (refused.status, refused.json["code"]) == (409, "already_published")
    assert (await ben.call("GET", path)).status == 404


async def test_pictures_of_drafts_need_the_authors_address(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    draft = await ana.request("POST", "/posts", data=form(status="draft"))
    url = draft["images"][0]["url"]
    assert "viewer=" in url
    path = url.removeprefix(program.url)
    assert (await ana.call("GET", path)).status == 200
    assert (await ana.call("GET", path.partition("?")[0])).status == 404


async def test_scheduled_post_is_published_at_its_time(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    media = await ana.request("POST", "/media", data=photo_form(photos.small(), field="file"))
    later = {"mediaIds": [media["id"]], "publishAt": after(days=2), "caption": "Scheduled"}
    scheduled = await ana.request("POST", "/posts", json=later)
    path = f"/posts/{scheduled['id']}"
    assert scheduled["status"] == "scheduled"
    assert await ids(ana, "scheduled") == [scheduled["id"]]
    unscheduled = await ana.request("PATCH", path, json={"publishAt": None})
    assert (unscheduled["status"], unscheduled["publishAt"]) == ("draft", None)
    at = after(seconds=1)
    moved = await ana.request("PATCH", path, json={"publishAt": at})
    assert datetime.fromisoformat(moved["publishAt"]) == datetime.fromisoformat(at)
    post = await first_in_feed(ben)
    assert post["caption"] == "Scheduled"
    assert datetime.fromisoformat(post["createdAt"]) >= datetime.fromisoformat(at)
    assert await ids(ana, "published") == [post["id"]]
    assert (await ana.request("GET", path))["id"] == post["id"]


async def test_invalid_times_and_statuses_are_refused(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    draft = await ana.request("POST", "/posts", data=form(status="draft"))
    post = await ana.publish(photos.small())
    path = f"/posts/{draft['id']}"
    for body, field in (
        ({"publishAt": after(days=-1)}, "publishAt"),
        ({"publishAt": after(days=366)}, "publishAt"),
        ({"publishAt": "tomorrow"}, "publishAt"),
        ({"publishAt": "2030-01-01T00:00:00"}, "publishAt"),
        ({"publishAt": "2030-13-01T00:00:00Z"}, "publishAt"),
        ({"publishAt": after(days=1), "status": "draft"}, "publishAt"),
        ({"publishAt": None, "status": "published"}, "publishAt"),
        ({"status": "scheduled"}, "publishAt"),
        ({"status": "hidden"}, "status"),
    ):
        answer = await ana.call("PATCH", path, json=body)
        assert (answer.status, list(answer.json["errors"])) == (422, [field]), body
        texts = {name: value for name, value in body.items() if value is not None}
        if texts == body:
            answer = await ana.call("POST", "/posts", data=form(**texts))
            assert (answer.status, list(answer.json["errors"])) == (422, [field]), body
    for path in (f"/posts?userId={ben.id}&status=draft", f"/posts?ids={post['id']}&status=draft"):
        assert (await ana.call("GET", path)).status == 422
    answer = await ana.call("PATCH", f"/posts/{post['id']}", json={"publishAt": after(days=1)})
    assert (answer.status, answer.json["code"]) == (409, "already_published")


async def test_post_is_archived_and_restored(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    post = await ana.publish(photos.small())
    await first_in_feed(ben)
    path, url = f"/posts/{post['id']}", post["images"][0]["url"].removeprefix(program.url)
    archived = await ana.request("PATCH", path, json={"status": "archived"})
    assert archived["status"] == "archived"
    assert "viewer=" in archived["images"][0]["url"]
    assert await ids(ana, "archived") == [post["id"]]
    assert await ids(ana, "published") == await ben.feed() == []
    for gone in (path, url, f"{path}/comments"):
        assert (await ben.call("GET", gone)).status == 404
    explained = await ana.request("GET", f"/feed/explain?postId={post['id']}")
    assert (explained["inFeed"], explained["reason"]) == (False, "archived")
    restored = await ana.request("PATCH", path, json={"status": "published"})
    assert restored == post
    assert (await first_in_feed(ben))["id"] == post["id"]


async def test_repeated_request_creates_one_draft(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    answers = [
        await ana.call("POST", "/posts", data=form(status="draft"), headers={"Idempotency-Key": "a"})
        for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert await ids(ana, "draft") == [answers[0].json["id"]]
    assert answers[0].headers["Location"] == f"/posts/{answers[0].json['id']}"
    assert (await ana.call("DELETE", answers[0].headers["Location"])).status == 204
    assert await ids(ana, "draft") == []
