"""Plans of the statements behind lists: each reads an index in its order, and no table as a whole.

On SQLite, whose plans follow from the indexes. Those of MariaDB depend on the data; statements for which it chose
wrongly name their index (`Database.force_index`).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from server.ids import PostId, UserId
from server.models.moderation.report_cases import CaseStatus
from server.paging import PageRequest
from server.services.moderation.appeal_queue import AppealStatus
from tools.harness.services import ServiceHarness

PAGE = PageRequest(20, 2**52)
# Tables with few rows by their nature, and results of subqueries.
SMALL = re.compile(r"content_filters|rankings|r\d+|liked|saved")
# Lists of at most a few rows.
SORTED = {"tags of a post"}
SCAN = re.compile(r"^SCAN (?!CONSTANT|\()(\S+)(?! USING)")

List = Callable[[ServiceHarness, UserId, PostId], Awaitable[object]]

LISTS: dict[str, List] = {
    "likers": lambda h, user, post: h.likes.list_likers(user, post, PAGE),
    "own likes": lambda h, user, _: h.likes.list_own(user, PAGE),
    "saved posts": lambda h, user, _: h.saves.list_page(user, PAGE),
    "collections": lambda h, user, _: h.collections.list_page(user, PAGE),
    "comments": lambda h, user, post: h.comments.list_by_post(user, post, PAGE),
    "own comments": lambda h, user, _: h.comments.list_own(user, PAGE),
    "muted": lambda h, user, _: h.mutes.list_muted(user, PAGE),
    "blocked": lambda h, user, _: h.blocks.list_blocked(user, PAGE),
    "restricted": lambda h, user, _: h.restrictions.list_restricted(user, PAGE),
    "close friends": lambda h, user, _: h.close_friends.list_friends(user, PAGE),
    "requests sent": lambda h, user, _: h.follow_requests.list_sent(user, PAGE),
    "requests received": lambda h, user, _: h.follow_requests.list_received(user, PAGE),
    "followers": lambda h, user, _: h.follows.list_followers(user, user, PAGE),
    "following": lambda h, user, _: h.follows.list_following(user, user, PAGE),
    "photos of a user": lambda h, user, _: h.tags.list_posts(user, user, PAGE),
    "pending tags": lambda h, user, _: h.tags.list_pending(user, PAGE),
    "tags of a post": lambda h, user, post: h.tags.list_by_post(user, post),
    "versions": lambda h, user, post: h.post_history.list_versions(user, post, PAGE),
    "posts of an author": lambda h, user, _: h.posts.list_by_author(
        user, user, PageRequest(), with_likers=False
    ),
    "archive": lambda h, user, _: h.posts.list_archived(user, PAGE),
    "drafts": lambda h, user, _: h.drafts.list_own(user, PAGE, scheduled=False),
    "hashtag": lambda h, user, _: h.discovery.hashtags.list_posts(user, "dawn", PAGE),
    "followed hashtags": lambda h, user, _: h.discovery.hashtag_follows.list_followed(user, PAGE),
    "recent searches": lambda h, user, _: h.discovery.recent.list_page(user, PAGE),
    "trends": lambda h, _, __: h.discovery.trends.list_trending(20),
    "notifications": lambda h, user, _: h.notifications.list_page(user, PAGE),
    "own decisions": lambda h, user, _: h.own_decisions.list_page(user, PAGE),
    "report queue": lambda h, _, __: h.report_queue.list_page(CaseStatus.OPEN, PAGE),
    "appeal queue": lambda h, _, __: h.appeal_queue.list_page(AppealStatus.OPEN, PAGE),
}


@pytest.mark.parametrize("name", LISTS)
async def test_list_reads_an_index_in_its_order(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    user, fan = await harness.users(2)
    post_id = await harness.post(user, "#dawn")
    await harness.likes.like(fan, post_id)
    statements: list[tuple[str, Sequence[Any]]] = []
    rows = harness.database.rows

    async def recorded(sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        statements.append((sql, parameters))
        return await rows(sql, parameters)

    monkeypatch.setattr(harness.database, "rows", recorded)
    await LISTS[name](harness, user, post_id)
    assert statements
    if harness.database.dialect == "sqlite":
        for sql, parameters in statements:
            plan = [row["detail"] for row in await rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
            sorts = [each for each in plan if "TEMP B-TREE FOR ORDER BY" in each]
            assert not sorts or name in SORTED, (sql, plan)
            scanned = {found[1] for each in plan if (found := SCAN.match(each))}
            assert not [each for each in scanned if not SMALL.fullmatch(each)], (sql, plan)
