"""The routes of the application, without a working server."""

import inspect
from unittest.mock import Mock

from aiohttp import hdrs, web

from server.app import build_app
from server.assembly.http import Observability
from server.handlers.http.operations import options_of
from server.metrics import Metrics
from server.settings import Settings


def app_routes() -> list[web.AbstractRoute]:
    """Return all routes except HEAD, which belongs to GET. Their handlers only have mocks."""
    parts = {name: Mock() for name in inspect.signature(build_app).parameters}
    observability = Observability(checks={}, restarts=dict[str, int], metrics=Metrics())
    app = build_app(**{**parts, "settings": Settings(), "observability": observability})
    return [route for route in app.router.routes() if route.method != hdrs.METH_HEAD]


def names(routes: list[web.AbstractRoute]) -> set[str]:
    """Return names such as `GET /posts/{postId}`."""
    return {f"{route.method} {route.resource.canonical}" for route in routes if route.resource}


def is_open(route: web.AbstractRoute) -> bool:
    """Return whether the route needs no access token, on a server with public reads."""
    options = options_of(route.handler)
    return options.public or options.anonymous
