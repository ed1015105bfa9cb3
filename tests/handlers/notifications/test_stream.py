"""Streams send every notification once, in order, across reconnects and outages."""

import asyncio
import random

import pytest

from server.ids import MediaId, PostId, UserId
from server.services.records import NotificationType
from tests.handlers.notifications.stream_server import ADA, BOB, PAGE, StreamServer, ids, render
from tests.support.sse_reader import Block, signal_of
from tools.harness.backends import RedisServer
from tools.harness.waiting import DEADLINE_S, wait_until


async def test_stream_is_not_cached_buffered_or_kept_alive(stream_server: StreamServer) -> None:
    await stream_server.start()
    async with stream_server.stream(ADA) as reader:
        headers = reader.response.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert headers["Cache-Control"] == "no-store, no-transform"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Connection"] == "close"


async def test_stream_starts_now_and_sends_its_position(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 3)
    reader = await stream_server.get(ADA)
    assert await reader.block() == Block(id="3", retry="2000", comment="connected")
    await stream_server.notify(ADA)
    assert (await reader.event()).id == "4"
    reader.response.close()


async def test_event_has_the_sequence_as_id_and_the_type(stream_server: StreamServer) -> None:
    await stream_server.start()
    async with stream_server.stream(ADA) as reader:
        notification = stream_server.notifications.add(ADA, NotificationType.MENTION)
        await stream_server.publisher.publish(signal_of(notification))
        assert await reader.event() == Block(id="1", event="mention", data=render(notification).decode())


async def test_every_stream_of_a_user_gets_the_users_events(stream_server: StreamServer) -> None:
    await stream_server.start()
    async with (
        stream_server.stream(ADA) as first,
        stream_server.stream(ADA) as second,
        stream_server.stream(BOB) as other,
    ):
        await stream_server.notify(ADA, 3)
        await stream_server.notify(BOB, 1)
        await stream_server.notify(ADA, 3)
        for reader in (first, second):
            assert ids(await reader.events(6)) == [1, 2, 3, 4, 5, 6]
        assert ids(await other.events(1)) == [1]


@pytest.mark.parametrize("missed", [1, PAGE - 1, PAGE, PAGE + 1, 7 * PAGE])
async def test_resumed_stream_replays_what_it_missed(stream_server: StreamServer, missed: int) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 5 + missed)
    async with stream_server.stream(ADA, "5") as reader:
        assert ids(await reader.events(missed)) == list(range(6, 6 + missed))
        await stream_server.notify(ADA)
        assert ids(await reader.events(1)) == [6 + missed]


async def test_resumed_stream_that_missed_nothing_continues(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 5)
    async with stream_server.stream(ADA, "5") as reader, stream_server.stream(BOB, "0") as other:
        await stream_server.notify(ADA)
        await stream_server.notify(BOB)
        assert await reader.block() == Block("6", "like", '{"id":"1000006","sequence":6}')
        assert await other.block() == Block("1", "like", '{"id":"2000001","sequence":1}')


@pytest.mark.parametrize("last_event_id", ["6", "99999999999999999999", "x", "-1", "1.5", "٣", "1_0"])
async def test_unknown_event_id_resets_the_stream(stream_server: StreamServer, last_event_id: str) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 5)
    async with stream_server.stream(ADA, last_event_id) as reader:
        assert await reader.block() == Block("5", "reset", "{}")
        await stream_server.notify(ADA)
        assert ids(await reader.events(1)) == [6]


async def test_deleted_events_after_the_last_id_reset_the_stream(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 8)
    stream_server.notifications.delete(ADA, 1, 2, 3, 4, 5)
    async with stream_server.stream(ADA, "3") as reader:
        assert await reader.block() == Block("5", "reset", "{}")
        assert ids(await reader.events(3)) == [6, 7, 8]
    async with stream_server.stream(ADA, "5") as reader:
        assert ids(await reader.events(3)) == [6, 7, 8]
    stream_server.notifications.delete(ADA, 6, 7, 8)
    async with stream_server.stream(ADA, "7") as reader:
        assert await reader.block() == Block("8", "reset", "{}")


async def test_stream_skips_deleted_sequences(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 5)
    stream_server.notifications.delete(ADA, 3)
    async with stream_server.stream(ADA, "1") as resumed, stream_server.stream(ADA) as live:
        assert ids(await resumed.events(3)) == [2, 4, 5]
        for _ in range(2):
            deleted = stream_server.notifications.add(ADA)
            stream_server.notifications.delete(ADA, deleted.sequence)
            await stream_server.publisher.publish(signal_of(deleted))
        await stream_server.notify(ADA)
        assert await live.block() == Block("8", "like", '{"id":"1000008","sequence":8}')
        assert (await resumed.block()).id == "8"


async def test_reconnecting_clients_get_every_event_once(stream_server: StreamServer) -> None:
    await stream_server.start()
    users, each = range(1, 11), 120

    async def publish(rng: random.Random) -> None:
        """Publish, and lose some signals; two of these run, so that signals overtake each other."""
        for _ in range(len(users) * each // 2):
            notification = stream_server.notifications.add(next(turns))
            await asyncio.sleep(rng.choice([0, 0, 0.001]))
            if notification.sequence == each or rng.random() < 0.8:
                await stream_server.publisher.publish(signal_of(notification))

    async def read(user: int, rng: random.Random) -> list[int]:
        received: list[int] = []
        while not received or received[-1] < each:
            async with stream_server.stream(user, str(received[-1] if received else 0)) as reader:
                for _ in range(rng.randrange(30)):
                    received.append(int((await reader.event()).id))
                    if received[-1] == each:
                        break
        return received

    turns = iter([user for _ in range(each) for user in users])
    readers = [asyncio.create_task(read(user, random.Random(user))) for user in users]
    await asyncio.gather(publish(random.Random(1)), publish(random.Random(2)))
    async with asyncio.timeout(DEADLINE_S):
        for received in await asyncio.gather(*readers):
            assert received == list(range(1, each + 1))


async def test_redis_restart_loses_no_event(stream_server: StreamServer, own_server: RedisServer) -> None:
    await stream_server.start()
    async with stream_server.stream(ADA) as reader:
        for round_ in range(3):
            await stream_server.notify(ADA)
            own_server.kill()
            await wait_until(lambda: not stream_server.hub.connected)
            await stream_server.notify(ADA, 2)
            async with stream_server.stream(BOB) as other:
                stream_server.notifications.add(BOB)
                own_server.start()
                assert ids(await other.events(1)) == [round_ + 1]
            await wait_until(lambda: stream_server.hub.connected)
            await stream_server.notify(ADA)
        assert ids(await reader.events(12)) == list(range(1, 13))


async def test_unavailable_database_delays_events(
    stream_server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.handlers.notifications.stream.RETRY_READ_S", 0.01)
    await stream_server.start()
    async with stream_server.stream(ADA) as reader:
        stream_server.notifications.unavailable = True
        await stream_server.notify(ADA, 2)
        assert (await reader.block()).comment == "heartbeat"
        assert (await stream_server.get(BOB)).response.status == 503
        stream_server.notifications.unavailable = False
        assert ids(await reader.events(2)) == [1, 2]


async def test_progress_of_an_image_has_no_id(stream_server: StreamServer) -> None:
    await stream_server.start()
    async with stream_server.stream(ADA) as reader, stream_server.stream(BOB) as other:
        await stream_server.publisher.publish_media(UserId(ADA), MediaId(7), "processing")
        assert await reader.block() == Block(event="media", data='{"id":"7","status":"processing"}')
        await stream_server.notify(ADA)
        assert (await reader.block()).id == "1"
        await stream_server.publisher.publish_media(UserId(ADA), MediaId(7), "ready")
        assert await reader.block() == Block(event="media", data='{"id":"7","status":"ready"}')
        await stream_server.notify(BOB)
        assert (await other.block()).event == "like"


async def test_unread_count_and_new_posts_have_no_id(stream_server: StreamServer) -> None:
    await stream_server.start()
    async with stream_server.stream(ADA, "0") as reader, stream_server.stream(BOB) as other:
        await stream_server.publisher.publish_read(UserId(ADA), 3)
        assert await reader.block() == Block(event="read", data='{"count":3}')
        await stream_server.publisher.publish_new_post([UserId(5), UserId(ADA)], PostId(7))
        assert await reader.block() == Block(event="feed", data='{"postId":"7"}')
        await stream_server.publisher.publish_new_post([UserId(ADA)], PostId(8))  # within the pause
        await stream_server.notify(ADA)
        assert (await reader.block()).id == "1"
        await stream_server.notify(BOB)
        assert (await other.block()).event == "like"


async def test_progress_changes_nothing_for_a_resumed_stream(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 3)
    await stream_server.publisher.publish_media(UserId(ADA), MediaId(7), "ready")
    async with stream_server.stream(ADA, "1") as reader:
        assert ids(await reader.events(2)) == [2, 3]
        await stream_server.publisher.publish_media(UserId(ADA), MediaId(8), "ready")
        assert (await reader.block()).data == '{"id":"8","status":"ready"}'
        await stream_server.notify(ADA)
        assert (await reader.block()).id == "4"
