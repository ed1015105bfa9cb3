"""Metrics as Prometheus reads them: the format of `/metrics`, and a scrape by a real server."""

import asyncio
import subprocess
from functools import partial
from pathlib import Path

import orjson
import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Program
from tests.support.programs import required_program
from tools.harness.backends import Stack
from tools.harness.servers import Server, free_port
from tools.harness.waiting import DEADLINE_S, wait_until

TOKEN = "the metrics token of the tests"


class Prometheus(Server):
    """A Prometheus server that reads `prometheus.yml` in its folder."""

    def __init__(self, folder: Path, configuration: str) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._file = folder / "prometheus.yml"
        self._file.write_text(configuration)

    def _command(self) -> list[str]:
        return [
            required_program("prometheus"),
            f"--config.file={self._file}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def _answers(self) -> bool:
        return b"Server is ready" in self.log_file.read_bytes()

    async def query(self, session: ClientSession, query: str) -> list[dict[str, object]]:
        """Return the samples that an instant query finds."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query"
        async with session.get(url, params={"query": query}) as response:
            answer = orjson.loads(await response.read())
        assert answer["status"] == "success", answer
        return answer["data"]["result"]


async def test_metrics_of_a_used_server_pass_promtool(program: Program, register: Register) -> None:
    promtool = required_program("promtool")
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small())
    await ben.like(post["id"])
    async with ben.stream() as stream:
        await stream.block()
        metrics = (await ben.call("GET", "/metrics")).content
    check = partial(subprocess.run, input=metrics, capture_output=True, timeout=DEADLINE_S, check=False)
    checked = await asyncio.to_thread(check, [promtool, "check", "metrics"])
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert b"_created" not in metrics


@pytest.fixture
def scrape_configuration() -> str:
    """Configuration with one target, of which the tests fill in the port."""
    return f"""
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: photofeed
    authorization:
      credentials: {TOKEN}
    static_configs:
      - targets: ["127.0.0.1:PORT"]
"""


async def test_prometheus_scrapes_a_server(
    new_program: NewProgram,
    register: Register,
    session: ClientSession,
    scrape_configuration: str,
    migrated_stack: Stack,
) -> None:
    required_program("prometheus")
    program = await new_program("--port=0", METRICS_TOKEN=TOKEN).start()
    (ana,) = await register(program, "ana")
    await ana.publish(photos.small())
    prometheus = Prometheus(
        migrated_stack.var_dir / "prometheus", scrape_configuration.replace("PORT", str(program.port))
    ).start()
    try:

        async def is_scraped() -> bool:
            posts = await prometheus.query(
                session, 'photofeed_http_requests_total{route="/posts",method_class="write"}'
            )
            return bool(posts)

        await wait_until(is_scraped)
        assert await prometheus.query(session, "up == 1")
        assert await prometheus.query(session, "photofeed_build_info")
        assert await prometheus.query(
            session, "histogram_quantile(0.9, sum by (le) (photofeed_database_query_seconds_bucket)) > 0"
        )
    finally:
        prometheus.stop()
