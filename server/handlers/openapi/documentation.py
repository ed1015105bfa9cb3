"""`/api`: Swagger UI, and the OpenAPI document that it shows. What is in the document is `openapi`'s.

Both are off in production unless `app.docs` asks for them.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiohttp import web
from aiohttp_apispec import docs
from swagger_ui_bundle import swagger_ui_path

from server.errors import NotFound
from server.handlers.http.rate_limiting import not_rate_limited
from server.handlers.http.requests import JSON, public
from server.handlers.openapi import document

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The API of photofeed</title>
<link rel="icon" type="image/png" href="api/favicon-32x32.png">
<link rel="stylesheet" href="api/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="api/swagger-ui-bundle.js"></script>
<script src="api/start.js"></script>
</body>
</html>
"""
START = """\
SwaggerUIBundle({url: "api/openapi.json", dom_id: "#swagger-ui", deepLinking: true,
  displayOperationId: true, validatorUrl: null});
"""
# With their types, which machines disagree about.
ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
ASSET_HEADERS = {"Cache-Control": "public, max-age=86400"}


@dataclass(frozen=True, slots=True)
class _Document:
    content: bytes
    etag: str


class DocumentationRoutes:
    """`routes_of_app` is asked once, by the first request: by then all routes are there."""

    def __init__(self, routes_of_app: Callable[[], Iterable[web.AbstractRoute]]) -> None:
        self._routes_of_app = routes_of_app
        self._document: _Document | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api", self.page),
            web.get("/api/openapi.json", self.document),
            web.get("/api/{asset}", self.asset),
        ]

    @docs(
        tags=["docs"],
        operationId="getDocument",
        summary="The API as an OpenAPI 3.1 document",
        headers={"200": ["ETag"]},
        responses={
            "200": {"description": "The document", "schema": {"type": "object"}},
            "304": {"description": "It is as `If-None-Match` knows it"},
        },
    )
    @public
    @not_rate_limited
    async def document(self, request: web.Request) -> web.Response:
        if self._document is None:
            content = orjson.dumps(document.build(self._routes_of_app()))
            self._document = _Document(content, hashlib.sha256(content).hexdigest()[:32])
        headers = {"ETag": f'"{self._document.etag}"', "Cache-Control": "no-cache"}
        if any(tag.value in (self._document.etag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self._document.content, content_type=JSON, headers=headers)

    @public
    @not_rate_limited
    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html", headers=PAGE_HEADERS)

    @public
    @not_rate_limited
    async def asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["asset"]
        if name == "start.js":
            return web.Response(text=START, content_type="text/javascript", headers=ASSET_HEADERS)
        if name not in ASSETS:
            raise NotFound("There is nothing at this address.")
        headers = {**ASSET_HEADERS, "Content-Type": ASSETS[name]}
        return web.FileResponse(Path(swagger_ui_path) / name, headers=headers)
