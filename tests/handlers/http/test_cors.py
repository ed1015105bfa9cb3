"""Cross-origin requests: allowed origins in production and development, and the log of refused ones."""

from collections.abc import Callable

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from server.handlers.http.cors import MAX_REPORTED_ORIGINS, Cors
from server.handlers.http.response_headers import add_response_headers

SITE = "https://www.example.com"


async def ask(cors: Cors, *origins: str, method: str = "GET") -> list[ClientResponse]:
    """Send a request from each origin, and return the responses."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=cors.middlewares())  # pyright: ignore[reportArgumentType]
    app.on_response_prepare.append(add_response_headers("", cors))
    app.router.add_get("/", handle)
    preflight = {"Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
    async with TestClient(TestServer(app)) as client:
        own = f"http://{client.host}:{client.port}"
        return [
            await client.request(method, "/", headers={"Origin": origin or own, **preflight})
            for origin in origins
        ]


@pytest.mark.parametrize("port", ["", ":5173", ":8080"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
async def test_development_allows_every_port_of_this_machine(host: str, port: str) -> None:
    origin = f"http://{host}{port}"
    (response,) = await ask(Cors(this_machine=True), origin, method="OPTIONS")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == origin
    (response,) = await ask(Cors(this_machine=True), origin)
    assert response.headers["Timing-Allow-Origin"] == origin
    (response,) = await ask(Cors([SITE]), origin)
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "origin", ["http://[", "http://localhost.evil.test", "http://127.0.0.1.evil.test:80", "null"]
)
async def test_development_refuses_other_machines(origin: str) -> None:
    (response,) = await ask(Cors(this_machine=True), origin)
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("cors", [Cors, lambda: Cors([SITE])], ids=["none allowed", "another allowed"])
async def test_refused_origin_is_logged_once(cors: Callable[[], Cors]) -> None:
    with capture_logs() as logs:
        await ask(cors(), "https://other.test", "https://other.test", SITE if cors is not Cors else "", "")
    assert [(line["event"], line["origin"]) for line in logs] == [
        ("cors_origin_refused", "https://other.test")
    ]


async def test_log_of_refused_origins_is_bounded() -> None:
    with capture_logs() as logs:
        await ask(Cors(), *(f"https://{number}.test" for number in range(MAX_REPORTED_ORIGINS + 20)))
    assert len(logs) == MAX_REPORTED_ORIGINS
