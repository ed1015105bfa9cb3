"""HTML responses of shared pages: one inlined stylesheet, a strict policy, no scripts."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ETag, hdrs, web
from markupsafe import Markup

from server.handlers.http.pages import PAGE_TEMPLATES, html_response
from server.handlers.http.representations.preconditions import digest, is_not_modified, weak_etag

# The page of a post that was hidden may stay in a cache for this time.
CACHED = "public, max-age=60"
STYLE = (PAGE_TEMPLATES / "sharing" / "style.css").read_text()
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


class Pages:
    """`public_url`: the address of this server, where the pictures are as well."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        parts = urlsplit(public_url)
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self' {parts.scheme}://{parts.netloc};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def respond(
        self,
        request: web.Request,
        template: str,
        status: int = 200,
        robots: str = "",
        caching: str = CACHED,
        **values: Any,
    ) -> web.Response:
        """Return a rendered page, or 304 if the client has it."""
        headers = {"Content-Security-Policy": self._policy, hdrs.CACHE_CONTROL: caching}
        if robots:
            headers["X-Robots-Tag"] = robots
        # The stylesheet is a file of this project.
        response = html_response(
            f"sharing/{template}.html",
            headers,
            status,
            style=Markup(STYLE),  # noqa: S704
            home_url=self._public_url or "/",
            **values,
        )
        return revalidated(request, response) if status == 200 else response

    def missing(self, request: web.Request) -> web.Response:
        """Return the page for everything that is hidden or missing; it is the same for all of it."""
        return self.respond(request, "missing", status=404, robots="noindex", caching="no-store")


def revalidated(request: web.Request, response: web.Response) -> web.Response:
    """Add an ETag, or return 304 in place of a response that the client has."""
    body = response.body
    assert isinstance(body, bytes)
    etag = weak_etag(digest(body))
    response.headers[hdrs.ETAG] = etag
    if is_not_modified(request, ETag(etag.removeprefix("W/").strip('"'), is_weak=True)):
        kept: Mapping[str, str] = {
            name: response.headers[name]
            for name in (hdrs.ETAG, hdrs.CACHE_CONTROL, "X-Robots-Tag")
            if name in response.headers
        }
        return web.Response(status=304, headers=kept)
    return response
