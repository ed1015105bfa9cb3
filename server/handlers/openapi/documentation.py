"""`/api`: Swagger UI, and the OpenAPI document that it displays.

In production both are off unless `app.docs` is set.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiohttp import web
from swagger_ui_bundle import swagger_ui_path

from server.errors import NotFound
from server.handlers.http.operations import JSON, Reply, RouteOptions, operation
from server.handlers.http.pages import html_response
from server.handlers.http.representations.preconditions import digest, weak_etag
from server.handlers.openapi import document, parts

START_SCRIPT = """\
SwaggerUIBundle({url: "api/openapi.json", dom_id: "#swagger-ui", deepLinking: true,
  displayOperationId: true, validatorUrl: null});
"""
# With explicit content types, because systems map suffixes differently.
ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
SWAGGER_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}
ASSET_HEADERS = {"Cache-Control": "public, max-age=86400"}
UNDOCUMENTED = RouteOptions(public=True, rates=())


@dataclass(frozen=True, slots=True)
class _SerializedDocument:
    content: bytes
    etag: str


class DocumentationRoutes:
    """`list_routes` is called on the first request, when the application has all routes."""

    def __init__(self, list_routes: Callable[[], Iterable[web.AbstractRoute]]) -> None:
        self._list_routes = list_routes
        self._document: _SerializedDocument | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api", self.show_swagger_ui),
            web.get("/api/openapi.json", self.get_document),
            web.get("/api/{asset}", self.get_asset),
        ]

    @operation(
        "getDocument",
        "Get the API as an OpenAPI 3.1 document",
        tag="docs",
        responds={200: Reply("The document", {"type": "object"})},
        public=True,
        rates=(),
        etag=True,
    )
    async def get_document(self, _: web.Request) -> web.Response:
        if self._document is None:
            content = orjson.dumps(document.build(self._list_routes()))
            self._document = _SerializedDocument(content, weak_etag(digest(content)))
        headers = {"ETag": self._document.etag, "Cache-Control": "no-cache"}
        return web.Response(body=self._document.content, content_type=JSON, headers=headers)

    @UNDOCUMENTED
    async def show_swagger_ui(self, _: web.Request) -> web.Response:
        return html_response("swagger_ui.html", SWAGGER_HEADERS, title=parts.TITLE)

    @UNDOCUMENTED
    async def get_asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["asset"]
        if name == "start.js":
            return web.Response(text=START_SCRIPT, content_type="text/javascript", headers=ASSET_HEADERS)
        if name not in ASSETS:
            raise NotFound("No such resource.")
        headers = {**ASSET_HEADERS, "Content-Type": ASSETS[name]}
        return web.FileResponse(Path(swagger_ui_path) / name, headers=headers)
