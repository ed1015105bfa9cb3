"""A real S3 server (moto) with an empty bucket."""

import contextlib
import http.client
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tools.harness.servers import free_port

BUCKET = "pictures"
START_TIMEOUT_S = 30


@contextlib.contextmanager
def running_s3_server(*, refusing: bool = False) -> Iterator[str]:
    """Yield the URL of a server with the bucket BUCKET; skip the test where moto is not installed.

    `refusing`: it knows no credentials, and refuses every request with 403.
    """
    if importlib.util.find_spec("moto") is None:
        pytest.skip("moto[server] is not installed")
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
    environ = {**os.environ, **({"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if refusing else {})}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
    ) as server:
        deadline = time.monotonic() + START_TIMEOUT_S
        try:
            while not _made_bucket(url):
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield url
        finally:
            server.kill()


def _made_bucket(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.request("PUT", f"/{BUCKET}")
        return connection.getresponse().status == 200
    return False
