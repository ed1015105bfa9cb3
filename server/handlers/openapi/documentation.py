"""`/api`: Swagger UI, and the two OpenAPI documents that it displays.

In production they are off unless `app.docs` is set.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import orjson
from aiohttp import web
from swagger_ui_bundle import swagger_ui_path

from server.errors import NotFound
from server.handlers.http.operations import JSON, Reply, RouteOptions, operation
from server.handlers.http.pages import html_response
from server.handlers.http.representations.preconditions import digest, weak_etag
from server.handlers.openapi import document, parts
from server.handlers.openapi.document import Readers

# The response of a sign-in authorizes the requests after it.
START_SCRIPT = """\
const ui = SwaggerUIBundle({
  urls: [{url: "api/openapi.json", name: "Apps"}, {url: "api/openapi-staff.json", name: "Staff"}],
  dom_id: "#swagger-ui", presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset], layout: "StandaloneLayout",
  deepLinking: true, displayOperationId: true, persistAuthorization: true, tryItOutEnabled: true, filter: true,
  docExpansion: "none", defaultModelsExpandDepth: 0, validatorUrl: null,
  responseInterceptor: (response) => {
    if (response.ok && response.obj?.accessToken) ui.preauthorizeApiKey("%s", response.obj.accessToken);
    return response;
  },
});
"""
# With explicit content types, because systems map suffixes differently.
ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
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
MAX_DOCUMENTS = 8  # in memory: two per address by which clients reach the server

ExistingValues = Callable[[], Awaitable[Mapping[str, str]]]


class DocumentationRoutes:
    """`list_routes` is called on the first request, when the application has all routes.

    `server_url`: The address of the API in the documents. None: the one that was requested.
    `find_existing`: Returns values of path parameters that exist, as examples.
    """

    def __init__(
        self,
        list_routes: Callable[[], Iterable[web.AbstractRoute]],
        server_url: str | None,
        find_existing: ExistingValues,
    ) -> None:
        self._list_routes = list_routes
        self._server_url = server_url
        self._find_existing = find_existing
        self._build = lru_cache(maxsize=MAX_DOCUMENTS)(self._build_uncached)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api", self.show_swagger_ui),
            web.get("/api/openapi.json", self.get_document),
            web.get("/api/openapi-staff.json", self.get_staff_document),
            web.get("/api/{asset}", self.get_asset),
        ]

    @operation(
        "getDocument",
        "Get the API for apps as an OpenAPI 3.1 document",
        tag="docs",
        description="Without the operations for administrators, moderators and operators: see `getStaffDocument`.",
        responds={200: Reply("The document", {"type": "object"})},
        public=True,
        rates=(),
        etag=True,
    )
    async def get_document(self, request: web.Request) -> web.Response:
        return await self._respond(request, Readers.APPS)

    @operation(
        "getStaffDocument",
        "Get the API for administrators, moderators and operators as an OpenAPI 3.1 document",
        tag="docs",
        description="It has only the operations that `getDocument` leaves out.",
        responds={200: Reply("The document", {"type": "object"})},
        public=True,
        rates=(),
        etag=True,
    )
    async def get_staff_document(self, request: web.Request) -> web.Response:
        return await self._respond(request, Readers.STAFF)

    @UNDOCUMENTED
    async def show_swagger_ui(self, _: web.Request) -> web.Response:
        return html_response("swagger_ui.html", SWAGGER_HEADERS, title=parts.TITLE)

    @UNDOCUMENTED
    async def get_asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["asset"]
        if name == "start.js":
            script = START_SCRIPT % parts.BEARER
            return web.Response(text=script, content_type="text/javascript", headers=ASSET_HEADERS)
        if name not in ASSETS:
            raise NotFound("No such resource.")
        headers = {**ASSET_HEADERS, "Content-Type": ASSETS[name]}
        return web.FileResponse(Path(swagger_ui_path) / name, headers=headers)

    async def _respond(self, request: web.Request, readers: Readers) -> web.Response:
        existing = tuple(sorted((await self._find_existing()).items()))
        server_url = self._server_url or f"{request.scheme}://{request.host}"
        content, etag = self._build(readers, server_url, existing)
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        return web.Response(body=content, content_type=JSON, headers=headers)

    def _build_uncached(
        self, readers: Readers, server_url: str, existing: tuple[tuple[str, str], ...]
    ) -> tuple[bytes, str]:
        """Return the serialized document and its ETag."""
        content = orjson.dumps(document.build(self._list_routes(), readers, server_url, dict(existing)))
        return content, weak_etag(digest(content))
