"""`/` and `/robots.txt`."""

from dataclasses import dataclass

from aiohttp import web

from server.handlers.http.operations import RouteOptions
from server.handlers.sharing.html import Pages

UNDOCUMENTED = RouteOptions(public=True, rates=())
# Pages and their pictures. The rest is an API, which search engines cannot use.
ROBOTS = "User-agent: *\nAllow: /p/\nAllow: /@\nAllow: /media/\nDisallow: /\n"
NO_ROBOTS = "User-agent: *\nDisallow: /\n"
CACHING = "public, max-age=3600"


@dataclass(frozen=True, slots=True)
class StartPageOptions:
    """`client_url`: the address of another client, or empty. `web`: this server's web client is at `/`."""

    client_url: str
    web: bool
    docs: bool
    development: bool
    public_reads: bool


class StartPageRoutes:
    def __init__(self, pages: Pages, options: StartPageOptions) -> None:
        self._pages = pages
        self._options = options

    def routes(self) -> list[web.RouteDef]:
        robots = web.get("/robots.txt", self.show_robots)
        return [robots] if self._options.web else [web.get("/", self.show_start_page), robots]

    @UNDOCUMENTED
    async def show_start_page(self, request: web.Request) -> web.Response:
        options = self._options
        if options.client_url:
            return web.Response(status=302, headers={"Location": options.client_url})
        return self._pages.respond(
            request, "start", robots="noindex", docs=options.docs, development=options.development
        )

    @UNDOCUMENTED
    async def show_robots(self, _: web.Request) -> web.Response:
        text = ROBOTS if self._options.public_reads else NO_ROBOTS
        return web.Response(text=text, headers={"Cache-Control": CACHING})
