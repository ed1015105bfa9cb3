"""bcrypt in its threads."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable

import pytest

from server.errors import InvalidInput, Unavailable
from server.gateways.passwords import Passwords


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = Passwords(cost=4, threads=2, queue=100)
    yield passwords
    await passwords.close()


async def test_password_matches_only_its_own_hash(passwords: Passwords) -> None:
    hashed = await passwords.hash("sésame")
    assert await passwords.matches("sésame", hashed)
    assert not await passwords.matches("sesame", hashed)
    assert not await passwords.matches("", hashed)
    assert await passwords.hash("sésame") != hashed


async def test_missing_hash_matches_no_password(passwords: Passwords) -> None:
    for word in ("", "nobody", "anything"):
        assert not await passwords.matches(word, None)


async def test_password_is_limited_to_72_bytes(passwords: Passwords) -> None:
    longest = "ä" * 36
    hashed = await passwords.hash(longest)
    assert await passwords.matches(longest, hashed)
    assert not await passwords.matches(longest + "x", hashed)
    with pytest.raises(InvalidInput) as refused:
        await passwords.hash(longest + "x")
    assert list(refused.value.fields) == ["password"]


async def test_null_byte_is_part_of_a_password(passwords: Passwords) -> None:
    hashed = await passwords.hash("before\0after")
    assert await passwords.matches("before\0after", hashed)
    assert not await passwords.matches("before\0other", hashed)


async def test_invalid_unicode_matches_nothing(passwords: Passwords) -> None:
    hashed = await passwords.hash("word")
    assert not await passwords.matches("\ud800", hashed)
    with pytest.raises(InvalidInput):
        await passwords.hash("\ud800")


async def test_hashing_does_not_block_the_event_loop(passwords: Passwords) -> None:
    loop_thread = threading.get_ident()
    ran_in: set[int] = set()

    def work() -> None:
        ran_in.add(threading.get_ident())

    await asyncio.gather(*(passwords._run(work) for _ in range(20)))
    assert loop_thread not in ran_in
    assert len(ran_in) <= 2


async def test_full_queue_is_unavailable_at_once() -> None:
    passwords = Passwords(cost=6, threads=1, queue=3)
    try:
        outcomes = await asyncio.gather(*(passwords.hash("word") for _ in range(10)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
        assert len(refused) == 6
        assert refused[0].retry_after_s
        assert all(isinstance(outcome, str) for outcome in outcomes[:4])
        assert await passwords.hash("word")
    finally:
        await passwords.close()


async def test_cancelled_callers_free_their_places() -> None:
    passwords = Passwords(cost=4, threads=1, queue=3)
    try:
        for _ in range(5):
            asked: list[Awaitable[str]] = [asyncio.ensure_future(passwords.hash("word")) for _ in range(4)]
            await asyncio.sleep(0)
            for question in asked:
                assert isinstance(question, asyncio.Task)
                question.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        assert await asyncio.gather(*(passwords.matches("word", None) for _ in range(4))) == [False] * 4
    finally:
        await passwords.close()
