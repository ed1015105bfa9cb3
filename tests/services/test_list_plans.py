"""Plans of the statements behind lists: each reads an index in its order, and no table as a whole.

Those of SQLite follow from the indexes. Those of MariaDB depend on the data, so its tables are filled; statements for
which it chose wrongly name their index (`Database.force_index`).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from server.ids import CollectionId, CommentId, PlaceId, PostId, UserId
from server.models.moderation.report_cases import CaseStatus
from server.paging import PageRequest
from server.services.content.places import NewPlace, PlaceChange
from server.services.moderation.appeal_queue import AppealStatus
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import ReportReason, SubjectType
from tests.services.filled_tables import fill_tables
from tests.services.moderation.cases import moderator, reported
from tools.harness.services import ServiceHarness

PAGE = PageRequest(20, 2**52)
# Tables with few rows by their nature, and results of subqueries.
SMALL = re.compile(r"content_filters|rankings|r\d*|liked|saved")
# Lists of at most a few rows.
SORTED = {"tags of a post"}
# The statement that sorts the two newest followed likers of each post of a page.
LIKERS = "WHERE r.place <= 2"
SCAN = re.compile(r"^SCAN (?!CONSTANT|\()(\S+)(?! USING)")

HARBOUR = NewPlace("Old Harbour", 53.5436, 9.9669)
MANY_ROWS = 500
FILLED = (
    "posts", "likes", "comments", "comment_likes", "saves", "collections", "collection_posts", "follows", "mutes",
    "close_friends", "restrictions", "post_versions", "hashtag_posts", "notifications", "moderation_actions",
    "report_cases", "users",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    user: UserId
    post: PostId
    comment: CommentId
    collection: CollectionId
    place: PlaceId


List = Callable[[ServiceHarness, Scene], Awaitable[object]]

LISTS: dict[str, List] = {
    "likers": lambda h, s: h.likes.list_likers(s.user, s.post, PAGE),
    "own likes": lambda h, s: h.likes.list_own(s.user, PAGE),
    "saved posts": lambda h, s: h.saves.list_page(s.user, PAGE),
    "collections": lambda h, s: h.collections.list_page(s.user, PAGE),
    "comments": lambda h, s: h.comments.list_by_post(s.user, s.post, PAGE),
    "own comments": lambda h, s: h.comments.list_own(s.user, PAGE),
    "muted": lambda h, s: h.mutes.list_muted(s.user, PAGE),
    "blocked": lambda h, s: h.blocks.list_blocked(s.user, PAGE),
    "restricted": lambda h, s: h.restrictions.list_restricted(s.user, PAGE),
    "close friends": lambda h, s: h.close_friends.list_friends(s.user, PAGE),
    "requests sent": lambda h, s: h.follow_requests.list_sent(s.user, PAGE),
    "requests received": lambda h, s: h.follow_requests.list_received(s.user, PAGE),
    "followers": lambda h, s: h.follows.list_followers(s.user, s.user, PAGE),
    "following": lambda h, s: h.follows.list_following(s.user, s.user, PAGE),
    "photos of a user": lambda h, s: h.tags.list_posts(s.user, s.user, PAGE),
    "pending tags": lambda h, s: h.tags.list_pending(s.user, PAGE),
    "tags of a post": lambda h, s: h.tags.list_by_post(s.user, s.post),
    "versions": lambda h, s: h.post_history.list_versions(s.user, s.post, PAGE),
    "posts of an author": lambda h, s: h.posts.list_by_author(
        s.user, s.user, PageRequest(), with_likers=False
    ),
    "archive": lambda h, s: h.posts.list_archived(s.user, PAGE),
    "drafts": lambda h, s: h.drafts.list_own(s.user, PAGE, scheduled=False),
    "hashtag": lambda h, s: h.discovery.hashtags.list_posts(s.user, "dawn", PAGE),
    "followed hashtags": lambda h, s: h.discovery.hashtag_follows.list_followed(s.user, PAGE),
    "recent searches": lambda h, s: h.discovery.recent.list_page(s.user, PAGE),
    "trends": lambda h, s: h.discovery.trends.list_trending(20),
    "notifications": lambda h, s: h.notifications.list_page(s.user, PAGE),
    "own decisions": lambda h, s: h.own_decisions.list_page(s.user, PAGE),
    "report queue": lambda h, s: h.report_queue.list_page(CaseStatus.OPEN, PAGE),
    "replies": lambda h, s: h.comments.list_replies(s.user, s.post, s.comment, PAGE),
    "comment likes": lambda h, s: h.comment_likes.list_likers(s.user, s.post, s.comment, PAGE),
    "collection posts": lambda h, s: h.collections.list_posts(s.user, s.collection, PAGE),
    "place": lambda h, s: h.discovery.places.list_posts(s.user, s.place, PAGE),
    "audit log": lambda h, s: h.decisions.list_actions(None, None, PAGE),
    "audit log of a moderator": lambda h, s: h.decisions.list_actions(s.user, None, PAGE),
    "audit log about a user": lambda h, s: h.decisions.list_actions(None, s.user, PAGE),
    "appeal queue": lambda h, s: h.appeal_queue.list_page(AppealStatus.OPEN, PAGE),
}


async def make_scene(harness: ServiceHarness) -> Scene:
    """Let a user have an item in most lists."""
    user, fan, other = await harness.users(3)
    post = await harness.post(user, "#dawn")
    edited = await harness.posts.edit(user, post, "#dawn #dusk", None, place=PlaceChange(HARBOUR))
    assert edited.card.place is not None
    comment = (await harness.comments.add(fan, post, "Fine", None)).id
    await harness.comments.add(user, post, "Thanks", comment)
    await harness.comment_likes.like(user, post, comment)
    await harness.likes.like(fan, post)
    await harness.likes.like(user, post)
    collection = (await harness.collections.create(user, "Hills")).id
    await harness.collections.add_post(user, collection, post)
    await harness.follows.follow(fan, user)
    await harness.follows.follow(user, fan)
    await harness.mutes.mute(user, other)
    await harness.restrictions.restrict(user, other)
    await harness.close_friends.add(user, fan)
    await harness.discovery.hashtag_follows.follow(user, "dawn")
    for reason in (ReportReason.SPAM, ReportReason.HATE):
        case_id = await reported(harness, fan, SubjectType.USER, other, reason)
        await harness.decisions.resolve(
            await moderator(harness), case_id, Decision(ModerationAction.WARN, "")
        )
    await reported(harness, fan, SubjectType.POST, post)
    while await harness.work_off():
        pass
    return Scene(user, post, comment, collection, edited.card.place.id)


def problems_of_sqlite(plan: Sequence[dict[str, Any]], name: str) -> list[str]:
    details = [row["detail"] for row in plan]
    sorts = [each for each in details if "TEMP B-TREE FOR ORDER BY" in each and name not in SORTED]
    scans = [each for each in details if (found := SCAN.match(each)) and not SMALL.fullmatch(found[1])]
    return [*sorts, *scans]


def problems_of_mariadb(plan: Sequence[dict[str, Any]], name: str) -> list[str]:
    """Return steps that read many rows: a whole table or index, or a set that is sorted."""
    found: list[str] = []
    for row in plan:
        table, extra, rows = row["table"] or "", row["Extra"] or "", int(row["rows"] or 0)
        if table.startswith("<") or SMALL.fullmatch(table) or rows <= MANY_ROWS:
            continue
        if row["type"] in ("ALL", "index") or ("filesort" in extra and name not in SORTED):
            found.append(f"{table} {row['type']} {row['key']} {rows} rows {extra}")
    return found


async def test_lists_read_an_index_in_their_order(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await make_scene(harness)
    is_mariadb = harness.database.dialect == "mysql"
    if is_mariadb:
        counts = await fill_tables(harness.database)
        assert all(counts[table] > MANY_ROWS for table in FILLED), counts
    statements: list[tuple[str, Sequence[Any]]] = []
    rows = harness.database.rows

    async def recorded(sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        statements.append((sql, parameters))
        return await rows(sql, parameters)

    monkeypatch.setattr(harness.database, "rows", recorded)
    problems: list[tuple[str, list[str], str]] = []
    explain, find = (
        ("EXPLAIN", problems_of_mariadb) if is_mariadb else ("EXPLAIN QUERY PLAN", problems_of_sqlite)
    )
    for name, read in LISTS.items():
        statements.clear()
        await read(harness, scene)
        assert statements, name
        for sql, parameters in [each for each in statements if LIKERS not in each[0]]:
            found = find(await rows(f"{explain} {sql}", parameters), name)
            problems += [(name, found, sql)] if found else []
    assert not problems
