"""Pages of the web client and of the console, and the service worker that keeps the client for offline use."""

import posixpath
import re

import orjson
from aiohttp import web
from jinja2 import Environment, StrictUndefined
from yarl import URL

from server.handlers.web.static_files import PUBLIC, StaticFile, StaticFiles, respond

CLIENT_PATHS = (
    "/", "/app/{screen:.+}", "/sign-in", "/sign-up", "/forgot-password", "/reset-password", "/verify-email",
    "/recover-account", "/appeal", "/export",
)  # fmt: skip
CONSOLE_PATHS = ("/admin", "/admin/{page}")
IMPORT = re.compile(r'^(?:import|export)\s[^;]*?from\s+"(\.[^"]+)"', re.MULTILINE)
# Without inline code. `blob:` is for previews of pictures that are not uploaded yet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' {origin} blob:; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A worker has the policy of its script, which applies to what it fetches.
WORKER_POLICY = "default-src 'none'; connect-src 'self'"


class ClientPageRoutes:
    def __init__(self, files: StaticFiles, media_base_url: str) -> None:
        """`media_base_url`: the base of the addresses of pictures."""
        self._client = _page(files, "client", media_base_url)
        self._console = _page(files, "console", media_base_url)
        self._worker = _service_worker(files)

    def routes(self) -> list[web.RouteDef]:
        client = [web.get(path, self.show_client) for path in CLIENT_PATHS]
        console = [web.get(path, self.show_console) for path in CONSOLE_PATHS]
        return [*client, *console, web.get("/service-worker.js", self.get_service_worker)]

    @PUBLIC
    async def show_client(self, request: web.Request) -> web.Response:
        return await respond(request, self._client)

    @PUBLIC
    async def show_console(self, request: web.Request) -> web.Response:
        return await respond(request, self._console)

    @PUBLIC
    async def get_service_worker(self, request: web.Request) -> web.Response:
        return await respond(request, self._worker)


def _page(files: StaticFiles, folder: str, media_base_url: str) -> StaticFile:
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = files.get(f"{folder}/index.html").content.decode()
    modules = imported_modules(files, f"{folder}/main.js")
    page = template.from_string(source).render(base=f"/web/{files.version}", modules=modules)
    policy = POLICY.format(origin=URL(media_base_url).origin())
    return StaticFile(page.encode(), ".html", {"Content-Security-Policy": policy})


def _service_worker(files: StaticFiles) -> StaticFile:
    """Return the service worker with the version and the addresses of what it keeps in front of it."""
    of_client = [path for path in files.paths() if path.startswith(("client/", "sdk/"))]
    kept = ["/", *(files.url(path) for path in of_client if not path.endswith(".html"))]
    head = b"const VERSION = %b;\nconst FILES = %b;\n" % (orjson.dumps(files.version), orjson.dumps(kept))
    content = head + files.get("client/service-worker.js").content
    return StaticFile(content, ".js", {"Content-Security-Policy": WORKER_POLICY})


def imported_modules(files: StaticFiles, start: str) -> list[str]:
    """Return the module and what it imports, directly and indirectly. Modules that are loaded later are left out."""
    found, waiting = list[str](), [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.append(path)
            source = files.get(path).content.decode()
            waiting += [_resolve(path, relative) for relative in IMPORT.findall(source)]
    return sorted(found)


def _resolve(importer: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), relative))
