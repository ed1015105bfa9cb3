"""Saved posts and collections, as a client sees them."""

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Program


async def test_saved_posts_and_collections(program: Program, register: Register) -> None:
    ada, bob = await register(program, "ada", "bob")
    post = await bob.publish(photos.small(), caption="Hills")
    path = f"/posts/{post['id']}"
    assert post["saved"] is False
    for _ in range(2):
        assert await ada.request("POST", f"{path}/save") == {"saved": True}
    (saved,) = await ada.list_all("/saved")
    assert (saved["id"], saved["saved"]) == (post["id"], True)
    assert (await ada.request("GET", path))["saved"] is True

    once = {"Idempotency-Key": "collection-1"}
    created = await ada.call("POST", "/collections", json={"name": "  Light \n hills "}, headers=once)
    repeated = await ada.call("POST", "/collections", json={"name": "  Light \n hills "}, headers=once)
    assert (created.status, repeated.status) == (201, 201)
    assert created.json == repeated.json
    collection = created.json
    assert (collection["name"], collection["postsCount"], collection["covers"]) == ("Light hills", 0, [])
    location = f"/collections/{collection['id']}"
    assert created.headers["Location"] == location

    assert await ada.request("POST", f"{location}/posts/{post['id']}") == {"inCollection": True}
    assert [each["id"] for each in await ada.list_all(f"{location}/posts")] == [post["id"]]
    (listed,) = await ada.list_all(f"/collections?postId={post['id']}")
    assert (listed["postsCount"], listed["hasPost"]) == (1, True)
    assert listed["covers"][0]["id"] == post["id"]
    assert listed["covers"][0]["thumbnailUrl"]
    renamed = await ada.request("PATCH", location, json={"name": "Sea"})
    assert renamed["name"] == "Sea"
    assert "hasPost" not in renamed

    assert await ada.request("DELETE", f"{path}/save") == {"saved": False}
    assert await ada.list_all(f"{location}/posts") == []
    assert (await ada.call("DELETE", location)).status == 204
    assert (await ada.call("GET", location)).status == 404


async def test_names_of_collections_are_validated(program: Program, register: Register) -> None:
    (ada,) = await register(program, "ada")
    for name in ("", " \u200b\n", "x" * 61, None, 5, "a\x00b"):
        refused = await ada.call("POST", "/collections", json={"name": name})
        assert refused.status == 422
        assert list(refused.json["errors"]) == ["name"]
    await ada.request("POST", "/collections", json={"name": "Sea"})
    twice = await ada.call("POST", "/collections", json={"name": "SEA"})
    assert (twice.status, twice.json["code"]) == (409, "collection_exists")
    assert list(twice.json["errors"]) == ["name"]


async def test_posts_show_who_of_the_followed_users_likes_them(program: Program, register: Register) -> None:
    ada, bob, eve = await register(program, "ada", "bob", "eve")
    post = await bob.publish(photos.small())
    assert post["likedBy"] == []
    for followed in (bob, eve):
        await ada.follow(followed)
        await followed.like(post["id"])
    shown = await ada.request("GET", f"/posts/{post['id']}")
    assert [each["username"] for each in shown["likedBy"]] == ["eve", "bob"]
    assert {each["relationship"]["following"] for each in shown["likedBy"]} == {True}
    (listed,) = (await ada.request("GET", f"/posts?ids={post['id']}"))["items"]
    assert listed["likedBy"] == shown["likedBy"]
    (plain,) = (await ada.request("GET", "/feed"))["items"]
    assert "likedBy" not in plain
    (included,) = (await ada.request("GET", "/feed?include=likedBy"))["items"]
    assert included["likedBy"] == shown["likedBy"]
    assert (await ada.call("GET", "/feed?include=likers")).status == 422
