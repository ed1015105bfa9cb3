"""Every route declares the documented rate limits."""

from collections.abc import Sequence
from typing import Any, cast
from unittest.mock import Mock

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.app import build_app
from server.assembly.http import Observability
from server.assembly.services import Services
from server.errors import InvalidInput
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, RateLimits, RateLimitStatus
from server.handlers.http.authentication import authentication
from server.handlers.http.cors import Cors
from server.handlers.http.middleware import InFlight
from server.handlers.http.operations import Contribution, Rate, RouteOptions, options_of
from server.handlers.http.rate_limiting import RateLimiting, rate_limit_headers
from server.handlers.http.requests import PRINCIPAL
from server.handlers.http.response_headers import add_response_headers
from server.ids import NO_USER, SessionId, UserId
from server.metrics import Metrics
from server.pubsub.hub import Hub
from server.services.records import Principal, Role
from server.settings import Settings

UNUSED: Any = Mock()

EXEMPT = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /media/{key}",
    "GET /",
    "GET /robots.txt",
    "GET /config",
    "GET /api",
    "GET /api/openapi.json",
    "GET /api/openapi-staff.json",
    "GET /api/{asset}",
    "GET /app/{screen}",
    "GET /sign-in",
    "GET /sign-up",
    "GET /forgot-password",
    "GET /reset-password",
    "GET /verify-email",
    "GET /recover-account",
    "GET /appeal",
    "GET /export",
    "GET /admin",
    "GET /admin/{page}",
    "GET /service-worker.js",
    "GET /web/{version}/{path}",
    "GET /sdk/{path}",
    "GET /dev/outbox",
    "GET /dev/outbox/{name}",
}
SPECIAL = {
    "POST /reports": (Rate.WRITES, Rate.REPORTS),
    "POST /moderation/appeals": (Rate.WRITES, Rate.REPORTS),
    "POST /moderation/appeals/by-token": (Rate.WRITES, Rate.REPORTS),
    "GET /search": (Rate.SEARCH,),
    "GET /users": (Rate.SEARCH,),
    "GET /places": (Rate.SEARCH,),
    "GET /auth/available": (Rate.AVAILABILITY,),
    "POST /auth/refresh": (Rate.REFRESH,),
    # The strictest: the caller may be guessing.
    "POST /auth/change-password": (Rate.DEFAULT,),
    "POST /auth/reauthenticate": (Rate.DEFAULT,),
    "DELETE /auth/second-factor": (Rate.DEFAULT,),
    "POST /auth/second-factor/setup": (Rate.DEFAULT,),
    "POST /auth/second-factor/confirm": (Rate.DEFAULT,),
    "POST /auth/second-factor/recovery-codes": (Rate.DEFAULT,),
    "POST /auth/forgot-password": (Rate.DEFAULT,),
    "POST /auth/reset-password": (Rate.DEFAULT,),
    "POST /auth/verify-email": (Rate.DEFAULT,),
    "POST /auth/verify-email/resend": (Rate.DEFAULT,),
    "POST /auth/change-email": (Rate.DEFAULT,),
    "POST /users/profile/deactivate": (Rate.DEFAULT,),
    "DELETE /users/profile": (Rate.DEFAULT,),
    "POST /auth/recover-account": (Rate.DEFAULT,),
    # Mail services send these for many users, from few addresses.
    "POST /notifications/unsubscribe": (Rate.READS,),
    "POST /posts": (Rate.UPLOADS, Rate.WRITES),
    "OPTIONS /uploads": (Rate.READS,),
    "POST /uploads": (Rate.MEDIA, Rate.WRITES),
    "GET /uploads/{uploadId}": (Rate.UPLOAD_PARTS,),
    "PATCH /uploads/{uploadId}": (Rate.UPLOAD_PARTS,),
    "POST /media": (Rate.MEDIA, Rate.WRITES),
    "POST /users/avatar": (Rate.UPLOADS, Rate.WRITES),
}
BY_SUCCESS = {"POST /auth/register": (Rate.REGISTRATION,), "POST /users/export": (Rate.EXPORTS,)}
CONTRIBUTIONS = {
    "POST /posts": Contribution.POSTS,
    "POST /posts/{postId}/comments": Contribution.COMMENTS,
    "POST /users/{userId}/follow": Contribution.FOLLOWS,
    "POST /posts/{postId}/likes": Contribution.LIKES,
    "POST /posts/{postId}/comments/{commentId}/likes": Contribution.LIKES,
    "POST /reports": Contribution.REPORTS,
}


def routes() -> dict[str, Any]:
    """Return every route of the API and its handler."""
    services = Services(**dict.fromkeys(Services.__dataclass_fields__, UNUSED))
    observability = Observability(checks={}, restarts=dict[str, int], metrics=Metrics())
    app = build_app(
        Settings(),
        services,
        UNUSED,
        UNUSED,
        Hub(1),
        InFlight(Metrics()),
        observability,
        RateLimiting(UNUSED, {}),
    )
    return {
        f"{route.method} {route.resource.canonical}": route.handler
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def test_every_route_has_its_documented_limits() -> None:
    found = routes()
    assert len(found) > 20
    for name, handler in found.items():
        method = name.partition(" ")[0]
        default = (Rate.READS,) if method == "GET" else (Rate.WRITES,)
        expected = () if name in EXEMPT else SPECIAL.get(name, default)
        assert options_of(handler).rates == expected, name
        assert options_of(handler).success_rates == BY_SUCCESS.get(name, ()), name
        assert options_of(handler).contributes == CONTRIBUTIONS.get(name), name


async def test_refusal_explains_limits_of_new_accounts(redis_url: str) -> None:
    @RouteOptions(rates=(Rate.WRITES,), contributes=Contribution.LIKES)
    async def like(_: web.Request) -> web.Response:
        return web.Response()

    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    rate_limits, new = (
        RateLimits(wire),
        Limit("new_likes_hour", 1, 60, note="New accounts have lower limits."),
    )

    class NewAccount:
        async def authenticate(
            self, _: str, limits: Sequence[Limit], new_account_limits: Sequence[Limit]
        ) -> tuple[Principal, list[RateLimitStatus]]:
            every = (*limits, *new_account_limits)
            return Principal(UserId(7), SessionId(8), Role.USER), await rate_limits.hit(every, "u7")

    limits = {rate: Limit(rate, 30, 60) for rate in Rate}
    authenticate = authentication(
        cast("Any", NewAccount()), UNUSED, RateLimiting(rate_limits, limits, {Contribution.LIKES: (new,)})
    )
    app = web.Application(middlewares=[InFlight(Metrics()).middleware(), authenticate])  # type: ignore[list-item]
    app.on_response_prepare.append(add_response_headers("", Cors()))
    app.add_routes([web.post("/", like)])
    async with TestClient(TestServer(app)) as client:
        responses = [await client.post("/", headers={"Authorization": "Bearer x"}) for _ in range(2)]
        problem = await responses[1].json(content_type=None)
    assert [response.status for response in responses] == [200, 429]
    assert problem["detail"] == (
        "Too many requests: the limit is 1 per 60 s. Try again in 60 s. New accounts have lower limits."
    )
    assert responses[1].headers["Retry-After"] == "60"
    assert responses[1].headers["RateLimit"] == '"writes";r=29;t=2, "new_likes_hour";r=0;t=60'
    await wire.close()


async def test_undeclared_rate_is_the_default(redis_url: str) -> None:
    @RouteOptions(public=True)
    async def undeclared(_: web.Request) -> web.Response:
        return web.Response(text="well")

    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    authenticate = authentication(
        UNUSED, UNUSED, RateLimiting(RateLimits(wire), {rate: Limit(rate, 2, 60) for rate in Rate})
    )
    app = web.Application(middlewares=[InFlight(Metrics()).middleware(), authenticate])  # type: ignore[list-item]
    app.on_response_prepare.append(add_response_headers("", Cors()))
    app.add_routes([web.get("/", undeclared), web.get("/more", undeclared)])
    async with TestClient(TestServer(app)) as client:
        responses = [await client.get(path) for path in ("/", "/more", "/", "/nothing")]
    assert [response.status for response in responses] == [200, 200, 429, 404]
    assert [response.headers.get("RateLimit-Policy") for response in responses] == [
        '"default";q=2;w=60'
    ] * 3 + [None]
    assert responses[2].headers["Retry-After"] == "30"
    await wire.close()


async def test_only_successful_requests_count_against_success_rates(redis_url: str) -> None:
    @RouteOptions(public=True, rates=(Rate.WRITES,), success_rates=(Rate.REGISTRATION,))
    async def register(request: web.Request) -> web.Response:
        if "refused" in request.query:
            raise InvalidInput("Not like this.")
        replayed = {"Idempotency-Replayed": "true"} if "again" in request.query else {}
        return web.Response(status=201, headers=replayed)

    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    limits = {rate: Limit(rate, 2 if rate is Rate.REGISTRATION else 30, 60) for rate in Rate}
    authenticate = authentication(UNUSED, UNUSED, RateLimiting(RateLimits(wire), limits))
    app = web.Application(middlewares=[InFlight(Metrics()).middleware(), authenticate])  # type: ignore[list-item]
    app.on_response_prepare.append(add_response_headers("", Cors()))
    app.add_routes([web.post("/", register)])
    async with TestClient(TestServer(app)) as client:
        statuses = [
            (await client.post(f"/{query}")).status
            for query in (*["?refused"] * 5, "", *["?again"] * 3, *["?refused"] * 3, "", "", "?refused")
        ]
        counted = (await client.post("/?refused")).headers["RateLimit"]
    assert statuses == [*[422] * 5, 201, *[201] * 3, *[422] * 3, 201, 429, 429]
    assert '"registration";r=0' in counted
    assert '"writes";r=17' in counted  # a request that one limit refuses counts against none
    await wire.close()


async def test_anonymous_readers_are_limited_by_address(redis_url: str) -> None:
    @RouteOptions(anonymous=True, rates=(Rate.READS,))
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=str(request[PRINCIPAL].user_id))

    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    limits = {rate: Limit(rate, 2, 60) for rate in Rate}
    authenticate = authentication(UNUSED, UNUSED, RateLimiting(RateLimits(wire), limits), public_reads=True)
    app = web.Application(middlewares=[InFlight(Metrics()).middleware(), authenticate])  # type: ignore[list-item]
    app.on_response_prepare.append(add_response_headers("", Cors()))
    app.add_routes([web.get("/", read)])
    async with TestClient(TestServer(app)) as client:
        responses = [await client.get("/") for _ in range(3)]
        assert await responses[0].text() == str(NO_USER)
    assert [response.status for response in responses] == [200, 200, 429]
    assert responses[0].headers["RateLimit-Policy"] == '"reads";q=2;w=60'
    await wire.close()


def test_headers_are_structured_fields() -> None:
    statuses = [
        RateLimitStatus(Limit("uploads", 30, 3600), remaining=29, reset_s=120),
        RateLimitStatus(Limit("writes", 60, 0.5), remaining=0, reset_s=1, wait_s=0.1),
    ]
    assert rate_limit_headers(statuses) == (
        ("RateLimit-Policy", '"uploads";q=30;w=3600, "writes";q=60;w=1'),
        ("RateLimit", '"uploads";r=29;t=120, "writes";r=0;t=1'),
    )
