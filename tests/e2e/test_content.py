"""Posts, comments, likes, follows and profiles through the API."""

import io
from typing import Any

import pytest
from aiohttp import FormData
from PIL import Image

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form
from tools.harness.waiting import wait_until

CARD = {"id", "username", "fullName", "avatarUrl", "avatarSources", "isCelebrity", "relationship"}


async def refused(person: Person, method: str, path: str, status: int, code: str, **options: Any) -> Any:
    """Assert that a request is refused, and return its problem."""
    answer = await person.call(method, path, **options)
    assert (answer.status, answer.json["code"]) == (status, code), (method, path, answer)
    return answer.json


async def test_only_the_author_edits_and_deletes_a_post(program: Program, register: Register) -> None:
    ana, eve = await register(program, "ana", "eve")
    await eve.follow(ana)
    post = await ana.publish(photos.small(), photos.small(), caption="Before")
    path = f"/posts/{post['id']}"
    assert post["editedAt"] is None

    edited = await ana.request("PUT", path, json={"caption": " After #today ", "altTexts": ["A red square"]})
    assert (edited["caption"], edited["hashtags"]) == ("After #today", ["today"])
    assert [image["altText"] for image in edited["images"]] == ["A red square", ""]
    assert edited["editedAt"] >= edited["createdAt"]
    following = edited["author"]["relationship"] | {"following": True}
    shown = edited | {"author": edited["author"] | {"relationship": following}}
    assert await eve.request("GET", path) == shown
    assert await eve.request("GET", "/feed?include=likedBy") == {"items": [shown], "nextCursor": None}

    for body, field in (
        ({}, "caption"),
        ({"caption": None}, "caption"),
        ({"caption": "x" * 2201}, "caption"),
        ({"altTexts": ["a", "b", "c"]}, "altTexts"),
        ({"altTexts": ["a"] * 11}, "altTexts"),
        ({"altTexts": ["a\0b"]}, "altTexts.0"),
        ({"altTexts": "a"}, "altTexts"),
        ({"caption": "x", "likesCount": 9}, "likesCount"),
    ):
        problem = await refused(ana, "PUT", path, 422, "invalid_input", json=body)
        assert list(problem["errors"]) == [field], problem
    for method, options in (("PUT", {"json": {"caption": "Eve's"}}), ("DELETE", {})):
        await refused(eve, method, path, 403, "forbidden", **options)
        await refused(ana, method, "/posts/404", 404, "not_found", **options)
    assert await ana.request("GET", path) == edited

    gone = await ana.call("DELETE", path)
    assert (gone.status, gone.content) == (204, b"")
    assert await eve.feed() == await ana.feed() == await ana.list_all("/posts") == []
    assert (await ana.request("GET", "/users/profile"))["postsCount"] == 0
    missing = await refused(eve, "GET", "/posts/404", 404, "not_found")
    for method, below, options in (
        ("GET", "", {}),
        ("PUT", "", {"json": {"caption": "Back"}}),
        ("DELETE", "", {}),
        ("POST", "/likes", {}),
        ("DELETE", "/likes", {}),
        ("GET", "/likes", {}),
        ("POST", "/comments", {"json": {"content": "Hello?"}}),
        ("GET", "/comments", {}),
        ("DELETE", "/comments/404", {}),
    ):
        for person in (ana, eve):
            problem = await refused(person, method, path + below, 404, "not_found", **options)
            # A hidden post and a missing one get the same answer.
            assert problem == missing | {"instance": path + below}

    urls = [url for image in post["images"] for url in image["variants"].values()]
    assert len(urls) == 6

    async def no_picture_is_served() -> bool:
        return {(await eve.call("GET", url)).status for url in urls} == {404}

    await wait_until(no_picture_is_served)


async def test_comments_and_replies(program: Program, register: Register) -> None:
    ana, bob, eve = await register(program, "ana", "bob", "eve")
    post = await ana.publish(photos.small())
    comments = f"/posts/{post['id']}/comments"
    first = await bob.comment(post["id"], "First")
    second = await bob.comment(post["id"], "Second")
    replies = [
        await eve.request("POST", comments, json={"content": f"{n}", "parentId": first["id"]})
        for n in range(3)
    ]
    shown = await ana.list_all(comments)
    assert [(each["id"], each["repliesCount"]) for each in shown] == [(second["id"], 0), (first["id"], 3)]

    page = await ana.call("GET", comments, params={"parentId": first["id"], "limit": "2"})
    assert page.json["items"] == replies[:2]
    link = page.headers["Link"]
    assert link.endswith('; rel="next"')
    last = await ana.request("GET", link[1 : link.index(">")])
    assert last == {"items": replies[2:], "nextCursor": None}
    for query in (f"?cursor={page.json['nextCursor']}", f"?parentId={first['id']}&cursor=AAAAAAAAAAA"):
        await refused(ana, "GET", comments + query, 422, "unknown_cursor")
    assert (await ana.request("GET", comments, params={"parentId": replies[0]["id"]}))["items"] == []
    await refused(ana, "GET", f"{comments}?parentId=404", 404, "not_found")
    for parent_id in ("abc", "-1", "", "9223372036854775808"):
        await refused(ana, "GET", f"{comments}?parentId={parent_id}", 422, "invalid_input")

    await refused(eve, "DELETE", f"{comments}/{first['id']}", 403, "forbidden")
    for comment_id in ("404", "abc", "-1", str(2**63)):
        await refused(eve, "DELETE", f"{comments}/{comment_id}", 404, "not_found")
    assert (await eve.call("DELETE", f"{comments}/{replies[0]['id']}")).status == 204
    assert (await ana.request("GET", f"/posts/{post['id']}"))["commentsCount"] == 4
    assert (await ana.call("DELETE", f"{comments}/{first['id']}")).status == 204
    await refused(ana, "DELETE", f"{comments}/{first['id']}", 404, "not_found")
    assert (await ana.request("GET", f"/posts/{post['id']}"))["commentsCount"] == 1
    assert await ana.list_all(comments) == [second]


async def test_comments_are_edited_liked_and_pinned(program: Program, register: Register) -> None:
    ana, bob = await register(program, "ana", "bob")
    post = await ana.publish(photos.small())
    comments = f"/posts/{post['id']}/comments"
    first, second = [await bob.comment(post["id"], text) for text in ("First", "Second")]
    path = f"{comments}/{first['id']}"
    assert await ana.request("POST", f"{path}/likes") == {"liked": True, "likesCount": 1}
    for _ in range(2):
        assert (await ana.call("POST", f"{path}/pin")).status == 204
    edited = await bob.request("PUT", path, json={"content": "First, @ana"})
    assert edited["editedAt"] > first["createdAt"]
    assert [user["id"] for user in edited["mentionedUsers"]] == [ana.id]
    assert (await bob.request("PATCH", path, json={"content": "First, @ana"})) == edited
    pinned = await ana.request("GET", path)
    assert {**pinned, "author": edited["author"], "liked": False} == edited
    assert (pinned["liked"], pinned["likesCount"], pinned["pinned"]) == (True, 1, True)
    page = await bob.request("GET", f"{comments}?limit=1")
    assert [each["id"] for each in page["items"]] == [first["id"]]
    page = await bob.request("GET", f"{comments}?limit=1&cursor={page['nextCursor']}")
    assert ([each["id"] for each in page["items"]], page["nextCursor"]) == ([second["id"]], None)
    assert [user["id"] for user in await bob.list_all(f"{path}/likes")] == [ana.id]
    await refused(ana, "PUT", path, 403, "forbidden", json={"content": "Last"})
    await refused(bob, "PUT", path, 422, "invalid_input", json={"content": " "})
    await refused(bob, "POST", f"{path}/pin", 403, "forbidden")
    await refused(ana, "GET", f"{comments}/404", 404, "not_found")
    assert (await ana.call("DELETE", f"{path}/pin")).status == 204
    assert await ana.request("DELETE", f"{path}/likes") == {"liked": False, "likesCount": 0}
    assert [each["pinned"] for each in await ana.list_all(comments)] == [False, False]


async def test_forms_of_other_clients_are_read(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    photo = (
        b"--cut\r\nContent-Disposition: form-data; name=NAME; filename=my photo.jpg\r\n\r\n" + photos.small()
    )
    text = b"\r\n--cut\r\nContent-Disposition: form-data; name=%s\r\n%s\r\n%s"
    end = b"\r\n--cut--\r\n"
    latin = text % (b"caption", b"Content-Type: text/plain; charset=ISO-8859-1\r\n", "Füße".encode("latin-1"))
    named = text % (b"_charset_", b"", b"windows-1252") + text % (b"caption", b"", "Füße".encode("cp1252"))
    for caption in (latin, named):
        post = await ana.request(
            "POST", "/posts", data=photo.replace(b"NAME", b"images") + caption + end, headers=headers
        )
        assert post["caption"] == "Füße"
    for name in (b"images[]", b"image"):
        answer = await ana.call("POST", "/posts", data=photo.replace(b"NAME", name) + end, headers=headers)
        assert answer.json["errors"] == {name.decode(): ["Unknown field. Did you mean images?"]}
    long = await ana.call("POST", "/posts", data=photo_form(photos.small(), caption="a" * 50_000))
    assert (long.status, list(long.json["errors"])) == (422, ["caption"])


async def test_user_lists_contain_user_cards(program: Program, register: Register) -> None:
    ana, bob, eve = await register(program, "ana", "bob", "eve")
    post = await ana.publish(photos.small())
    for person in (bob, eve):
        await person.like(post["id"])
        followed = await person.request("POST", "/users/@ANA/follow")
        assert followed["following"]
    assert (await ana.request("POST", f"/users/{eve.id}/follow"))["followersCount"] == 1
    for path, names in (
        (f"/posts/{post['id']}/likes", ["eve", "bob"]),
        (f"/users/{ana.id}/followers", ["eve", "bob"]),
        ("/users/@ana/followers", ["eve", "bob"]),
        ("/users/@ana/following", ["eve"]),
        (f"/users/{bob.id}/following", ["ana"]),
        ("/users/@bob/followers", []),
    ):
        items = await bob.list_all(path)
        assert [card["username"] for card in items] == names, path
        assert all(card.keys() == CARD for card in items)
        first = await bob.request("GET", path, params={"limit": "1"})
        assert (first["items"], first["nextCursor"] is None) == (items[:1], len(items) <= 1)
        await refused(bob, "GET", f"{path}?limit=0", 422, "invalid_input")
        await refused(bob, "GET", f"{path}?cursor=rubbish", 422, "unknown_cursor")
    for path in (
        "/users/404/followers",
        "/users/@nobody/following",
        "/users/abc/followers",
        "/users/@%25/followers",
    ):
        await refused(bob, "GET", path, 404, "not_found")
    by_name = await bob.request("GET", "/posts?userId=@Ana")
    assert by_name == await bob.request("GET", f"/posts?userId={ana.id}")
    assert [each["id"] for each in by_name["items"]] == [post["id"]]
    await refused(bob, "GET", "/posts?userId=@nobody", 404, "not_found")
    hint = await bob.call("GET", "/users/ana")
    assert (hint.status, "/users/@name" in hint.json["detail"]) == (404, True)
    unfollowed = await bob.request("DELETE", "/users/@ana/follow")
    assert unfollowed == {"following": False, "requested": False, "followersCount": 1}
    assert [card["username"] for card in await bob.list_all("/users/@ana/followers")] == ["eve"]


async def test_profile_and_avatar_are_changed(program: Program, register: Register) -> None:
    ana, eve = await register(program, "ana", "eve")
    before = await ana.request("GET", "/users/profile")
    assert await ana.request("PUT", "/users/profile", json={}) == before
    changes = {"username": "Ana.L", "fullName": " Ana L. ", "bio": "Light.", "website": "https://ana.test"}
    edited = await ana.request("PUT", "/users/profile", json=changes)
    page = before["shareUrl"].replace("@ana", "@Ana.L")
    assert edited == before | changes | {"fullName": "Ana L.", "shareUrl": page}
    for body, status, code, field in (
        ({"username": "EVE"}, 409, "username_taken", "username"),
        ({"email": "ana@ana.test"}, 422, "invalid_input", "email"),
        ({"role": "admin"}, 422, "invalid_input", "role"),
        ({"isCelebrity": True}, 422, "invalid_input", "isCelebrity"),
        ({"website": "javascript:alert(1)"}, 422, "invalid_input", "website"),
        ({"website": "https://a.test/\0"}, 422, "invalid_input", "website"),
        ({"website": "https://a.test/\r\nx: y"}, 422, "invalid_input", "website"),
        ({"website": "https://user@a.test/"}, 422, "invalid_input", "website"),
        ({"website": "http://169.254.169.254/"}, 422, "invalid_input", "website"),
        ({"fullName": "\u200b\u202e"}, 422, "invalid_input", "fullName"),
        ({"fullName": "Ana \x1b[31m"}, 422, "invalid_input", "fullName"),
        ({"fullName": f"{'a' * 100} "}, 422, "invalid_input", "fullName"),
        ({"website": f"https://a.test/{'a' * 185} "}, 422, "invalid_input", "website"),
        ({"bio": None}, 422, "invalid_input", "bio"),
        ({"bio": "a" * 501}, 422, "invalid_input", "bio"),
    ):
        problem = await refused(ana, "PUT", "/users/profile", status, code, json=body)
        assert list(problem["errors"]) == [field]
    null = await refused(ana, "PATCH", "/users/profile", 422, "invalid_input", json={"bio": None})
    assert null["errors"] == {"bio": ["Must not be null. Send an empty text to remove it."]}
    assert await ana.request("GET", "/users/profile") == edited
    written = {
        "fullName": "\u202eAna\r\nLindqvist\u200b",
        "bio": "One\r\ntwo\u202e",
        "website": "HTTP://bücher.test:80",
    }
    cleaned = {"fullName": "Ana Lindqvist", "bio": "One\ntwo", "website": "http://xn--bcher-kva.test"}
    edited = await ana.request("PUT", "/users/profile", json=written)
    assert edited | cleaned == edited

    faced = await ana.request(
        "POST", "/users/avatar", data=photo_form(photos.twelve_megapixels(), field="avatar")
    )
    assert faced == edited | {name: faced[name] for name in ("avatarUrl", "avatarSources")}
    picture = Image.open(io.BytesIO((await eve.call("GET", faced["avatarUrl"])).content))
    assert (picture.format, picture.size) == ("JPEG", (320, 320))
    assert (await eve.request("GET", "/users/@ana.l"))["avatarUrl"] == faced["avatarUrl"]

    again = await ana.request("POST", "/users/avatar", data=photo_form(photos.small(), field="avatar"))
    assert again["avatarUrl"] != faced["avatarUrl"]
    post = await ana.publish(photos.small())
    assert post["author"]["avatarUrl"] == again["avatarUrl"]

    async def old_avatar_is_gone() -> bool:
        return (await eve.call("GET", faced["avatarUrl"])).status == 404

    await wait_until(old_avatar_is_gone)
    assert (await eve.call("GET", again["avatarUrl"])).status == 200

    for _ in range(2):
        plain = await ana.request("DELETE", "/users/avatar")
        assert (plain["avatarUrl"], plain["avatarSources"]) == (None, [])
    assert (await eve.request("GET", "/users/@ana.l"))["avatarUrl"] is None


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_avatar_upload_takes_exactly_one_image(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    photo = photos.small()
    text = FormData({"caption": "x"})
    text.add_field("avatar", io.BytesIO(photo), filename="me.jpg")
    for data, field in (
        (photo_form(photo, photo, field="avatar"), "avatar"),
        (photo_form(photo), "images"),
        (text, "caption"),
    ):
        problem = await refused(ana, "POST", "/users/avatar", 422, "invalid_input", data=data)
        assert list(problem["errors"]) == [field]
    assert (await ana.request("GET", "/users/profile"))["avatarUrl"] is None
