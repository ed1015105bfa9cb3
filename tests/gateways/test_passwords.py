"""Password hashes: NFKC, a digest, bcrypt, and hashes of earlier versions."""

from collections.abc import AsyncIterator

import bcrypt
import pytest

from server.errors import InvalidInput
from server.gateways.password_queue import PasswordQueue
from server.gateways.passwords import Passwords


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = Passwords(4, PasswordQueue(threads=2, queue=100))
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


async def test_password_of_any_length_counts_in_full(passwords: Passwords) -> None:
    longest = "漢" * 128
    hashed = await passwords.hash(longest)
    assert await passwords.matches(longest, hashed)
    assert not await passwords.matches(longest[:-1] + "字", hashed)
    assert len(hashed) <= 72  # the column


async def test_password_matches_in_every_composition(passwords: Passwords) -> None:
    composed, decomposed = "p\u00e4ssw\u00f6rd-xyz", "pa\u0308sswo\u0308rd-xyz"
    assert await passwords.matches(decomposed, await passwords.hash(composed))
    assert await passwords.matches(composed, await passwords.hash(decomposed))


@pytest.mark.parametrize(("password", "other"), [("an old password", "an older one"), ("ä" * 36, "ä" * 37)])
async def test_hash_of_an_earlier_version_still_matches(
    passwords: Passwords, password: str, other: str
) -> None:
    bare = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    assert await passwords.matches(password, bare)
    assert not await passwords.matches(other, bare)
    assert not await passwords.matches("\ud800", bare)
    assert passwords.is_outdated(bare)


async def test_hash_of_another_cost_is_outdated(passwords: Passwords) -> None:
    hashed = await passwords.hash("word")
    assert not passwords.is_outdated(hashed)
    elsewhere = Passwords(5, PasswordQueue(threads=1, queue=1))
    assert elsewhere.is_outdated(hashed)
    assert await elsewhere.matches("word", hashed)
    await elsewhere.close()


async def test_null_byte_is_part_of_a_password(passwords: Passwords) -> None:
    hashed = await passwords.hash("before\0after")
    assert await passwords.matches("before\0after", hashed)
    assert not await passwords.matches("before\0other", hashed)


async def test_invalid_unicode_matches_nothing(passwords: Passwords) -> None:
    hashed = await passwords.hash("word")
    assert not await passwords.matches("\ud800", hashed)
    with pytest.raises(InvalidInput):
        await passwords.hash("\ud800")
