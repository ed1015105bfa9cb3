"""Suggestions of users to follow."""

import pytest

from server.errors import InvalidInput, NotFound
from server.ids import UserId
from server.models.discovery import suggested_users
from server.services.discovery.suggestion import SuggestionReason
from server.services.records import AccountStatus
from tests.services.discovery.names import index_all
from tests.services.feed.feeds import count_queries, follow
from tools.harness.services import ServiceHarness


async def suggested(harness: ServiceHarness, viewer: UserId, limit: int = 20) -> list[UserId]:
    found = (await harness.discovery.suggestions.list_suggestions(viewer, limit)).items
    return [each.user.card.id for each in found]


async def circle(harness: ServiceHarness) -> tuple[UserId, list[UserId], UserId, UserId]:
    """Return a viewer, three followees, a user that all of these follow, and one that the first of them follows."""
    viewer, other, rare = [await harness.user(name) for name in ("viewer", "other", "rare")]
    friends = [await harness.user(name) for name in ("ana", "ben", "cleo")]
    await follow(harness, viewer, *friends)
    for friend in friends:
        await follow(harness, friend, other)
    await follow(harness, friends[0], rare)
    return viewer, friends, other, rare


async def test_mutual_follows_come_first_with_names(harness: ServiceHarness) -> None:
    viewer, friends, other, rare = await circle(harness)
    await follow(harness, friends[1], viewer)
    first, second = (await harness.discovery.suggestions.list_suggestions(viewer, 20)).items
    assert [first.user.card.id, second.user.card.id] == [other, rare]
    assert first.reason is SuggestionReason.FOLLOWED_BY
    assert [user.username for user in first.followed_by] == ["cleo", "ben"]
    assert (first.others, first.detail) == (1, "Followed by cleo, ben and 1 other")
    assert (second.others, second.detail) == (0, "Followed by ana")
    await follow(harness, other, viewer)
    first, _ = (await harness.discovery.suggestions.list_suggestions(viewer, 20)).items
    assert (first.user.relationship.followed_by, first.user.relationship.following) == (True, False)
    assert await suggested(harness, viewer, 1) == [other]


async def test_users_to_avoid_are_not_suggested(harness: ServiceHarness) -> None:
    viewer, _, other, rare = await circle(harness)
    for change, undo in (
        (harness.mutes.mute, harness.mutes.unmute),
        (harness.restrictions.restrict, harness.restrictions.unrestrict),
        (harness.discovery.suggestions.dismiss, harness.discovery.suggestions.restore),
        (harness.follows.follow, harness.follows.unfollow),
    ):
        await change(viewer, other)
        assert await suggested(harness, viewer) == [rare]
        await undo(viewer, other)
        assert set(await suggested(harness, viewer)) == {other, rare}
    await harness.profiles.edit(other, {"is_private": True})
    assert set(await suggested(harness, viewer)) == {other, rare}
    await harness.follows.follow(viewer, other)  # a request
    assert await suggested(harness, viewer) == [rare]
    await harness.follows.unfollow(viewer, other)
    await harness.set_status(other, AccountStatus.SUSPENDED)
    assert await suggested(harness, viewer) == [rare]
    await harness.blocks.block(rare, viewer)
    assert await suggested(harness, viewer) == []


async def test_newcomers_get_popular_accounts(harness: ServiceHarness) -> None:
    newcomer, star, known, alone = await harness.users(4)
    fans = await harness.users(3)
    for fan in fans:
        await follow(harness, fan, star)
    await follow(harness, fans[0], known)
    await index_all(harness)
    assert await suggested(harness, newcomer) == [star, known]
    (first, _) = (await harness.discovery.suggestions.list_suggestions(newcomer, 20)).items
    assert (first.reason, first.followed_by, first.detail) == (SuggestionReason.POPULAR, [], "Popular here.")
    await harness.discovery.suggestions.dismiss(newcomer, star)
    assert await suggested(harness, newcomer) == [known]
    assert alone not in await suggested(harness, star)


async def test_followees_without_end_are_bounded(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggested_users, "MAX_FOLLOWEES", 1)
    monkeypatch.setattr(suggested_users, "FOLLOWEES_OF_EACH", 2)
    viewer, older, newer, *others = await harness.users(6)
    await follow(harness, viewer, older, newer)
    await follow(harness, newer, *others)
    await follow(harness, older, *others)
    assert await suggested(harness, viewer) == others[:0:-1]
    with count_queries(harness.database) as statements:
        await suggested(harness, viewer)
    assert len(statements) <= 7


async def test_dismissal_needs_another_visible_user(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    suggestions = harness.discovery.suggestions
    with pytest.raises(InvalidInput):
        await suggestions.dismiss(ada, ada)
    await suggestions.dismiss(ada, bob)
    await suggestions.dismiss(ada, bob)
    await harness.blocks.block(bob, ada)
    for change in (suggestions.dismiss, suggestions.restore):
        with pytest.raises(NotFound):
            await change(ada, bob)


async def test_kept_suggestions_name_current_followers(harness: ServiceHarness) -> None:
    viewer, friends, other, rare = await circle(harness)
    service = harness.discovery.suggestions
    kept = await service.list_suggestions(viewer, 20)
    assert await service.list_suggestions(viewer, 20) is kept
    assert [user.username for user in kept.items[0].followed_by] == ["cleo", "ben"]

    await harness.follows.unfollow(friends[2], other)
    first, _ = (await service.list_suggestions(viewer, 20)).items
    assert (first.user.card.id, [user.username for user in first.followed_by]) == (other, ["ben", "ana"])

    await harness.profiles.edit(friends[1], {"username": "benedict"})
    first, _ = (await service.list_suggestions(viewer, 20)).items
    assert [user.username for user in first.followed_by] == ["benedict", "ana"]

    await harness.profiles.edit(rare, {"full_name": "Rare Bird"})
    _, second = (await service.list_suggestions(viewer, 20)).items
    assert second.user.card.full_name == "Rare Bird"
