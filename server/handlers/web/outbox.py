"""`/dev/outbox`: the e-mails and pushes that development writes to files, as their recipients would see them.

They contain links that sign in, so only this machine gets them, and only in development.
"""

from ipaddress import ip_address

from aiohttp import web
from yarl import URL

from server.errors import NotFound
from server.gateways.outbox_messages import OutboxMessage, OutboxReader
from server.handlers.http.pages import HTML, html_response
from server.handlers.web.static_files import PUBLIC, StaticFiles

MAX_MESSAGES = 200
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
# An e-mail has styles in its attributes. Its links open in new tabs; it runs nothing.
EMAIL_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self';"
        " sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "Cache-Control": "no-store",
}


class OutboxRoutes:
    def __init__(self, outbox: OutboxReader, files: StaticFiles) -> None:
        self._outbox = outbox
        self._styles = f"/web/{files.version}/outbox/outbox.css"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/dev/outbox", self.show_outbox),
            web.get("/dev/outbox/{name}", self.show_email),
        ]

    @PUBLIC
    async def show_outbox(self, request: web.Request) -> web.Response:
        """Return the list with one message: the one in `?message=`, or the newest."""
        _check_local(request)
        messages = await self._outbox.list_messages(MAX_MESSAGES)
        name = request.query.get("message")
        shown = await self._find(name) if name else next(iter(messages), None)
        return html_response("outbox.html", HEADERS, styles=self._styles, messages=messages, shown=shown)

    @PUBLIC
    async def show_email(self, request: web.Request) -> web.Response:
        _check_local(request)
        email = await self._find(request.match_info["name"])
        html = email.html.replace("<head>", '<head><base target="_blank">', 1)
        return web.Response(text=html, content_type=HTML, headers=EMAIL_HEADERS)

    async def _find(self, name: str) -> OutboxMessage:
        message = await self._outbox.find(name)
        if message is None:
            raise NotFound("No such message.")
        return message


def _check_local(request: web.Request) -> None:
    """Raise NotFound unless the request is from this machine, without a proxy, and names it as the host.

    Otherwise a page of another site could read it after its name was pointed to this machine (DNS rebinding).
    """
    proxied = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "Via"))
    host = URL(f"http://{request.host}").host
    if proxied or host not in LOCAL_HOSTS or not _is_loopback(request.remote):
        raise NotFound("No such resource.")


def _is_loopback(address: str | None) -> bool:
    return address is not None and ip_address(address).is_loopback
