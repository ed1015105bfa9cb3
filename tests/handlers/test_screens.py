"""Screens of a client: each is one request with everything that it shows, and few statements however many rows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.handlers.content.comments import CommentRoutes
from server.handlers.content.likes import LikeRoutes
from server.handlers.content.posts import PostRoutes
from server.handlers.http.bodies.multipart import FormReader, UploadLimits
from server.handlers.http.bodies.time_limits import TimeLimits
from server.handlers.http.idempotency import IdempotentResponder
from server.handlers.http.middleware import InFlight, validation
from server.handlers.http.requests import PRINCIPAL
from server.handlers.notifications.notifications import NotificationRoutes
from server.handlers.notifications.serializer import NotificationSerializer
from server.handlers.people.follows import FollowRoutes
from server.handlers.people.profiles import ProfileRoutes
from server.handlers.post_serializer import PostSerializer
from server.ids import SessionId, UserId
from server.metrics import Metrics
from server.services.content.share_links import ShareLinks
from server.services.records import Principal, Role
from tests.handlers.posts import published
from tests.services.feed.feeds import count_queries
from tools.harness.services import ServiceHarness

# Of a screen that was opened before.
MAX_STATEMENTS = {
    "activity": 1,
    "own profile": 2,
    "profile": 3,
    "hidden profile": 7,
    "followers": 3,
    "post": 5,
    "comments": 3,
    "profile alone": 3,
    "post alone": 2,
    "seen": 5,
}
# Of a screen whose posts, author or likes are not cached yet, if they are more.
MAX_FIRST_STATEMENTS = {"own profile": 4, "profile": 8, "hidden profile": 10, "seen": 8}


class Screens:
    """Requests of one user; `answer` checks how many statements each takes."""

    def __init__(self, client: TestClient[web.Request, web.Application], harness: ServiceHarness) -> None:
        self.client = client
        self.harness = harness
        self.statements: dict[str, int] = {}

    async def show(self, screen: str, path: str, user_id: UserId) -> Any:
        """Open a screen twice: opened again, it takes the same statements as earlier calls, whatever was added."""
        with count_queries(self.harness.database) as statements:
            first = await self._get(path, user_id)
        assert len(statements) <= MAX_FIRST_STATEMENTS.get(screen, MAX_STATEMENTS[screen]), statements
        with count_queries(self.harness.database) as statements:
            async with self.client.get(path, headers={"User": str(user_id)}) as response:
                assert response.status == 200, await response.text()
                body = await response.json()
        assert body == first
        assert self.statements.setdefault(screen, len(statements)) == len(statements)
        assert len(statements) <= MAX_STATEMENTS[screen], statements
        async with self.client.get(
            path, headers={"User": str(user_id), "If-None-Match": response.headers["ETag"]}
        ) as again:
            assert again.status == 304
        return body

    async def _get(self, path: str, user_id: UserId) -> Any:
        async with self.client.get(path, headers={"User": str(user_id)}) as response:
            assert response.status == 200, await response.text()
            return await response.json()


@web.middleware
async def _as_user(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    request[PRINCIPAL] = Principal(UserId(int(request.headers["User"])), SessionId(1), Role.USER)
    return await handler(request)


@pytest.fixture
async def screens(harness: ServiceHarness) -> AsyncIterator[Screens]:
    forms = FormReader(harness.folder, UploadLimits(1, 1, 1, TimeLimits(1, 1, 1)))
    app = web.Application(
        middlewares=[InFlight(Metrics()).middleware(), _as_user, validation(1000, 1, forms.check_head)]  # pyright: ignore[reportArgumentType]
    )
    posts = PostSerializer(harness.media_addresses, ShareLinks("https://photos.test", enabled=True))
    idempotent = IdempotentResponder(harness.idempotency)
    unused: Any = None
    for resource in (
        NotificationRoutes(harness.notifications, unused, unused, NotificationSerializer(posts)),
        ProfileRoutes(harness.profiles, harness.posts, forms, posts),
        FollowRoutes(harness.follows),
        PostRoutes(harness.posts, harness.drafts, harness.comments, harness.lookup, forms, idempotent, posts),
        CommentRoutes(harness.comments, harness.commenting.approvals, idempotent),
        LikeRoutes(harness.likes),
    ):
        app.add_routes(resource.routes())
    async with TestClient(TestServer(app)) as client:
        yield Screens(client, harness)


@pytest.mark.parametrize("private", [False, True])
async def test_activity_is_one_request(screens: Screens, harness: ServiceHarness, *, private: bool) -> None:
    ada, *fans = await harness.users(6)
    post_id = await published(harness, ada)
    older = await harness.post(ada)
    for fan in fans:
        await harness.follows.follow(fan, ada)
        await harness.comments.add(fan, post_id, f"Where was that? {fan}", None)
    await harness.likes.like(fans[0], older)
    await harness.follows.follow(ada, fans[0])
    if private:
        await harness.profiles.edit(ada, {"is_private": True})
    await harness.work_off()
    for limit in (3, 50):
        items = (await screens.show("activity", f"/notifications?limit={limit}", ada))["items"]
        for item in items:
            assert item["actor"]["relationship"]["following"] == (item["actor"]["id"] == str(fans[0]))
            assert ("post" in item) == (item["type"] != "follow")
            if item["type"] != "comment":
                continue
            assert item["comment"]["content"] == f"Where was that? {item['actor']['id']}"
            address = urlsplit(str(item["post"].pop("thumbnailUrl")))
            assert item["post"] == {"id": str(post_id), "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdn0"}
            assert address.path == f"/posts/{post_id}/0/square.jpg"
            assert bool(address.query) == private
            if private:
                signed = harness.media_addresses.verify(f"posts/{post_id}/0", dict(parse_qsl(address.query)))
                assert signed is not None
                assert signed.viewer_id == ada
    assert len(items) == 11
    (like,) = [item for item in items if item["type"] == "like"]
    assert like["post"] == {"id": str(older), "thumbnailUrl": None, "blurhash": None}


async def test_profile_is_one_request(screens: Screens, harness: ServiceHarness) -> None:
    ada, ben = await harness.user("ada"), await harness.user("ben")
    post_ids: list[str] = []
    for count in (2, 22):
        while len(post_ids) < count:
            post_ids.append(str(await published(harness, ada)))
        for screen, path, viewer in (
            ("profile", "/users/@ada?include=posts", ben),
            ("own profile", "/users/profile?include=posts", ada),
        ):
            shown = await screens.show(screen, path, viewer)
            assert (shown["username"], shown["postsCount"]) == ("ada", count)
            assert [each["id"] for each in shown["posts"]["items"]] == post_ids[::-1][:20]
            assert all(each["images"][0]["thumbnail"] for each in shown["posts"]["items"])
            assert (shown["posts"]["nextCursor"] is not None) == (count > 20)
    more = await screens.client.get(
        f"/posts?userId=@ada&cursor={shown['posts']['nextCursor']}", headers={"User": str(ben)}
    )
    assert [each["id"] for each in (await more.json())["items"]] == post_ids[::-1][20:]
    assert "posts" not in await screens.show("profile alone", "/users/@ada", ben)


async def test_private_profile_includes_no_posts_of_strangers(
    screens: Screens, harness: ServiceHarness
) -> None:
    ada, ben, eve = await harness.user("ada"), await harness.user("ben"), await harness.user("eve")
    post_id = await published(harness, ada)
    await harness.follows.follow(ben, ada)
    await harness.profiles.edit(ada, {"is_private": True})
    path = "/users/@ada?include=posts"
    assert (await screens.show("hidden profile", path, eve))["posts"] == {"items": [], "nextCursor": None}
    (seen,) = (await screens.show("seen", path, ben))["posts"]["items"]
    assert (seen["id"], "signature=" in seen["images"][0]["url"]) == (str(post_id), True)
    await harness.blocks.block(ada, eve)
    refused = await screens.client.get(path, headers={"User": str(eve)})
    assert refused.status == 404


async def test_post_is_one_request(screens: Screens, harness: ServiceHarness) -> None:
    ada, ben = await harness.users(2)
    post_id = await published(harness, ada)
    for count in (1, 21):
        while len(await harness.rows("SELECT id FROM comments")) < count:
            await harness.comments.add(ben, post_id, "Where was that?", None)
        shown = await screens.show("post", f"/posts/{post_id}?include=comments", ada)
        assert (shown["id"], shown["commentsCount"]) == (str(post_id), count)
        assert len(shown["comments"]["items"]) == min(count, 20)
        assert shown["comments"]["items"][0]["author"]["relationship"]["following"] is False
    listed = await screens.show("comments", f"/posts/{post_id}/comments", ada)
    assert listed == shown["comments"]
    assert "comments" not in await screens.show("post alone", f"/posts/{post_id}", ada)


async def test_list_of_followers_is_one_request(screens: Screens, harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(8)
    await harness.follows.follow(ada, fans[0])
    for fan in fans:
        await harness.follows.follow(fan, ada)
    for limit in (2, 50):
        items = (await screens.show("followers", f"/users/{ada}/followers?limit={limit}", ada))["items"]
        assert [each["id"] for each in items] == [str(fan) for fan in fans[::-1]][:limit]
        for item in items:
            assert item["relationship"]["following"] == (item["id"] == str(fans[0]))
            assert item["relationship"]["followedBy"]


@pytest.mark.parametrize(
    "path", ["/users/profile?include=likes", "/posts/1?include=", "/posts/1?include=posts"]
)
async def test_unknown_parts_are_refused(screens: Screens, path: str) -> None:
    async with screens.client.get(path, headers={"User": "1"}) as response:
        assert response.status == 422
        assert any(name.startswith("include") for name in (await response.json())["errors"])
