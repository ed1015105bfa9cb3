"""A proxy in front of two processes."""

from collections.abc import Iterator

import pytest

from tests.support.caddy import Caddy
from tests.support.nginx import Nginx
from tests.support.programs import required_program
from tools.harness.backends import Stack
from tools.harness.servers import free_port


@pytest.fixture
def nginx(stack: Stack) -> Iterator[Nginx]:
    required_program("nginx")
    server = Nginx(stack.var_dir / "nginx", [free_port(), free_port()])
    yield server.start()
    server.stop()


@pytest.fixture
def caddy(stack: Stack) -> Iterator[Caddy]:
    required_program("caddy")
    server = Caddy(stack.var_dir / "caddy", [free_port(), free_port()])
    yield server.start()
    server.stop()
