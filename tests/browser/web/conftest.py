"""Fixtures of the tests of the web client: windows of Chromium on a running server."""

from collections.abc import AsyncIterator

import pytest

from tests.support.chromium import EXECUTABLE
from tests.support.npm import fail_or_skip
from tests.support.program import Program
from tests.support.windows import Windows, open_windows


@pytest.fixture
async def windows(program: Program) -> AsyncIterator[Windows]:
    if EXECUTABLE is None:
        fail_or_skip("install Chromium to test the web client")
    # `localhost` has passkeys and service workers without https.
    async with open_windows(program.url.replace("127.0.0.1", "localhost")) as windows:
        yield windows
