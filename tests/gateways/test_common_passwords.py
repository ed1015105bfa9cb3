"""The lists of common passwords."""

import asyncio
import sys

import pytest

from server.gateways.common_passwords import CommonPasswords


@pytest.fixture(scope="module")
def common() -> CommonPasswords:
    return CommonPasswords()


async def test_common_passwords_and_words_are_found(common: CommonPasswords) -> None:
    for word in ("password", "12345678", "Sunshine", "TRUSTNO1", "government"):
        assert await common.contains(word), word
    for word in ("correct horse", "", "漢字", "\ud800"):
        assert not await common.contains(word), word


async def test_lists_are_loaded_once_and_kept_small() -> None:
    common = CommonPasswords()
    assert all(await asyncio.gather(*(common.contains("password") for _ in range(5))))
    assert 50_000 < len(common._digests) < 70_000
    assert common._digests.itemsize == 8
    assert "zxcvbn" not in sys.modules
