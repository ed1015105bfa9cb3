"""Every route has its rate limits declared, and they are the ones that are promised."""

from typing import Any
from unittest.mock import Mock

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.app import build_app
from server.assembly.http import Observability
from server.assembly.services import Services
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, RateLimits, RateLimitStatus
from server.handlers.http.authentication import authentication
from server.handlers.http.cors import Cors
from server.handlers.http.middleware import InFlight
from server.handlers.http.rate_limiting import Rate, RateLimiting, rate_headers, rates_of
from server.handlers.http.requests import public
from server.handlers.http.response_headers import add_response_headers
from server.metrics import Metrics
from server.pubsub.hub import Hub
from server.settings import Settings

NOBODY: Any = Mock()  # what a table of routes needs no more of than that it is there

EXEMPT = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /media/{key}",
    "GET /api",
    "GET /api/openapi.json",
    "GET /api/{asset}",
}
OF_THEIR_OWN = {
    "POST /auth/login": (Rate.LOGIN,),
    "POST /auth/register": (Rate.REGISTRATION,),
    "POST /auth/refresh": (Rate.REFRESH,),
    # The strictest: who asks here may be guessing.
    "POST /auth/change-password": (Rate.DEFAULT,),
    "POST /auth/forgot-password": (Rate.DEFAULT,),
    "POST /auth/reset-password": (Rate.DEFAULT,),
    # Mail services post there for many of their users, from few addresses.
    "POST /notifications/unsubscribe": (Rate.READS,),
    "POST /posts": (Rate.UPLOADS, Rate.WRITES),
    "POST /users/avatar": (Rate.UPLOADS, Rate.WRITES),
}
BY_BODY = {
    "POST /auth/login": ("username", Rate.LOGIN_ACCOUNT),
    "POST /auth/forgot-password": ("email", Rate.FORGOT),
}


def routes() -> dict[str, Any]:
    """Every route of the API and its handler."""
    services = Services(**dict.fromkeys(Services.__dataclass_fields__, NOBODY))
    observability = Observability(checks={}, restarts=dict[str, int], metrics=Metrics())
    app = build_app(
        Settings(), services, NOBODY, NOBODY, Hub(1), InFlight(), observability, RateLimiting(NOBODY, {})
    )
    return {
        f"{route.method} {route.resource.canonical}": route.handler
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def test_every_route_has_the_limits_that_are_promised() -> None:
    found = routes()
    assert len(found) > 20
    for name, handler in found.items():
        method = name.partition(" ")[0]
        usual = (Rate.READS,) if method == "GET" else (Rate.WRITES,)
        promised = () if name in EXEMPT else OF_THEIR_OWN.get(name, usual)
        assert rates_of(handler) == promised, name
        assert getattr(handler, "__rate_by__", None) == BY_BODY.get(name), name


async def test_a_handler_that_declares_nothing_has_the_default(redis_url: str) -> None:
    @public
    async def undeclared(_: web.Request) -> web.Response:
        return web.Response(text="well")

    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    let_in = authentication(
        NOBODY, NOBODY, RateLimiting(RateLimits(wire), {rate: Limit(rate, 2, 60) for rate in Rate})
    )
    app = web.Application(middlewares=[InFlight().middleware(), let_in])  # type: ignore[list-item]
    app.on_response_prepare.append(add_response_headers("", Cors()))
    app.add_routes([web.get("/", undeclared), web.get("/more", undeclared)])
    async with TestClient(TestServer(app)) as client:
        answers = [await client.get(path) for path in ("/", "/more", "/", "/nothing")]
    assert [answer.status for answer in answers] == [200, 200, 429, 404]
    assert [answer.headers.get("RateLimit-Policy") for answer in answers] == ['"default";q=2;w=60'] * 3 + [
        None
    ]
    assert answers[2].headers["Retry-After"] == "30"
    await wire.close()


def test_the_headers_are_structured_fields() -> None:
    standings = [
        RateLimitStatus(Limit("uploads", 30, 3600), remaining=29, reset_s=120),
        RateLimitStatus(Limit("writes", 60, 0.5), remaining=0, reset_s=1, wait_s=0.1),
    ]
    assert rate_headers(standings) == (
        ("RateLimit-Policy", '"uploads";q=30;w=3600, "writes";q=60;w=1'),
        ("RateLimit", '"uploads";r=29;t=120, "writes";r=0;t=1'),
    )
