"""nginx in front of two processes."""

import os
from collections.abc import Iterator

import pytest

from tests.support.nginx import Nginx
from tools.harness.backends import Stack
from tools.harness.servers import find_program, free_port


@pytest.fixture
def nginx(stack: Stack) -> Iterator[Nginx]:
    if find_program("nginx") is None:
        message = "install nginx for the test of rolling restarts"
        pytest.fail(message, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(message)
    server = Nginx(stack.var_dir / "nginx", [free_port(), free_port()])
    yield server.start()
    server.stop()
