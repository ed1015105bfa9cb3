"""A viewer without an account sees what everybody may see, by the same rule."""

from itertools import product

import pytest

from server.errors import NotFound
from server.ids import NO_USER
from server.models.audience import Audience
from server.models.content.visibility import PUBLIC_POSTS, PostFacts
from server.models.rules import facts_in, find_denial
from server.paging import PageRequest
from server.services.content.visibility import is_post_visible
from tools.harness.services import ServiceHarness

# This viewer is no author, and does not follow and is not blocked.
OF_VIEWERS = ("is_self", "is_blocked", "blocks", "is_followed", "has_as_close_friend")


def test_no_user_sees_exactly_the_public_posts() -> None:
    names = [name for name in PostFacts.__dataclass_fields__ if name not in OF_VIEWERS]
    assert {fact.name for fact in facts_in(PUBLIC_POSTS)} <= set(names)
    for values in product((False, True), repeat=len(names)):
        facts = PostFacts(**dict(zip(names, values, strict=True)), **dict.fromkeys(OF_VIEWERS, False))
        assert is_post_visible(facts) is (find_denial(PUBLIC_POSTS, facts) is None), facts


async def test_reads_without_an_account_follow_the_rule(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    posts = {audience: await harness.post(ada, audience=audience) for audience in Audience}
    hidden = await harness.post(bob)
    await harness.profiles.edit(bob, {"is_private": True})

    found = await harness.posts.list_by_ids(NO_USER, [*posts.values(), hidden])
    assert [post.id for post in found] == [posts[Audience.PUBLIC]]
    page = await harness.posts.list_by_author(NO_USER, ada, PageRequest())
    assert [(post.id, post.liked) for post in page.items] == [(posts[Audience.PUBLIC], False)]
    assert (await harness.profiles.get(NO_USER, ada)).posts_count == 1
    for read in (
        harness.profiles.get(NO_USER, bob),
        harness.posts.list_by_author(NO_USER, bob, PageRequest()),
    ):
        with pytest.raises(NotFound):
            await read
