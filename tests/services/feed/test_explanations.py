"""Tests of the explanations."""

from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import PostId
from server.models.audience import Audience
from server.services.feed.explanations import Explanations, Reason
from tests.services.feed.feeds import reader_and_author
from tools.harness.services import WINDOW, ServiceHarness


async def test_explanations_name_the_reason(harness: ServiceHarness) -> None:
    reader, author, posts = await reader_and_author(harness)
    explanations = Explanations(
        harness.feed_queries, harness.visibility, TimelineAudit(harness.pipelined_redis)
    )
    stranger = await harness.user()

    async def why(post_id: PostId) -> tuple[Reason, bool]:
        explanation = await explanations.explain(reader, post_id)
        assert explanation.detail
        return explanation.reason, explanation.in_feed

    assert (await explanations.explain(reader, posts[0])).audience is Audience.PUBLIC
    secret = await harness.post(author, audience=Audience.CLOSE_FRIENDS)
    assert await why(secret) == (Reason.NOT_FOUND, False)
    assert (await explanations.explain(reader, secret)).audience is None
    assert await why(posts[0]) == (Reason.FAN_OUT_ON_WRITE, True)
    assert await why(await harness.post(reader)) == (Reason.OWN, True)
    assert await why(await harness.post(stranger)) == (Reason.NOT_FOLLOWED, False)
    assert await why(await harness.post(author)) == (Reason.FAN_OUT_PENDING, False)
    await harness.work_off()
    assert await why(PostId(12345)) == (Reason.NOT_FOUND, False)
    await harness.delete(posts[0])
    assert await why(posts[0]) == (Reason.NOT_FOUND, False)
    for _ in range(WINDOW):
        await harness.post(author)
    await harness.work_off()
    assert await why(posts[1]) == (Reason.FROM_DATABASE, True)
    await harness.timelines.drop_feeds([reader])
    assert await why(posts[1]) == (Reason.NOT_CACHED, True)
    await harness.database.execute("UPDATE users SET fan_out_on_read = 1 WHERE id = ?", [author])
    assert await why(posts[1]) == (Reason.FAN_OUT_ON_READ, True)
    await harness.follows.unfollow(reader, author)
    assert await why(posts[1]) == (Reason.NOT_FOLLOWED, False)
