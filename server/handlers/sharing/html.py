"""HTML responses of shared pages: one inlined stylesheet, a strict policy, and no script but the web client's.

The pages need no script. For a signed-in user, the web client shows its own screen in their place.
"""

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
    """Renders the pages of a server at `public_url`.

    `media_base_url` is the base of the addresses of pictures, `client` the address of the web client.
    """

    def __init__(self, public_url: str, media_base_url: str, client: str = "") -> None:
        self._public_url = public_url
        self._client = client
        self._policy = _policy(media_base_url, with_client=bool(client))

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
            client=self._client,
            **values,
        )
        return revalidated(request, response) if status == 200 else response

    def missing(self, request: web.Request) -> web.Response:
        """Return the page for everything that is hidden or missing; it is the same for all of it."""
        return self.respond(request, "missing", status=404, robots="noindex", caching="no-store")


def _policy(media_base_url: str, *, with_client: bool) -> str:
    parts = urlsplit(media_base_url)
    styles, images = f"'sha256-{_STYLE_HASH}'", f"'self' {parts.scheme}://{parts.netloc}"
    rest = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    if not with_client:
        return f"default-src 'none'; style-src {styles}; img-src {images}; {rest}"
    return (
        f"default-src 'none'; style-src {styles} 'self'; img-src {images} blob:; script-src 'self';"
        f" connect-src 'self'; manifest-src 'self'; worker-src 'self'; {rest}"
    )


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
