"""`/media/{key}`: image files, for everybody, or by a signed address for one viewer."""

import hashlib
import time
from functools import partial

from aiohttp import ETag, hdrs, web

from server.gateways.media import AVIF, JPEG, MediaStore, content_type_of
from server.handlers.http.operations import Reply, operation
from server.handlers.http.representations.downloads import Download, send_download
from server.services.content.media_access import MediaAccess
from server.services.content.media_addresses import EXPIRES, SIGNATURE, VIEWER

# Shared caches ask again after an hour, because the account may have become private.
PUBLIC = "public, max-age=31536000, s-maxage=3600, immutable"
MEDIA_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "Accept-Ranges": "bytes",
}
VALIDATORS = ("ETag", "Last-Modified")
IMAGE = {"type": "string", "format": "binary"}
SIGNED_PARAMETERS = tuple(
    {"in": "query", "name": name, "schema": {"type": "string"}, "description": description}
    for name, description in (
        (VIEWER, "Of a signed address: the id of the user that it is for."),
        (EXPIRES, "Of a signed address: the Unix time at which it expires."),
        (SIGNATURE, "Of a signed address: the proof that this API issued it."),
    )
)


class MediaRoutes:
    def __init__(self, media: MediaStore, access: MediaAccess) -> None:
        self._media = media
        self._access = access

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/media/{key:.+}", self.get_picture)]

    @operation(
        "getPicture",
        "Get an image by its URL from a post or a profile",
        tag="media",
        codes={403: ("media_address_expired",)},
        description=(
            "The images of posts that not everybody may see have signed addresses, which expire within a day. They are"
            " for one viewer: as soon as the viewer may not see the post any more, they lead to nothing."
        ),
        parameters=SIGNED_PARAMETERS,
        responds={
            200: Reply("The image", IMAGE, JPEG, (*VALIDATORS, "Accept-Ranges"), (AVIF,)),
            206: Reply("A part of the image", IMAGE, JPEG, (*VALIDATORS, "Content-Range"), (AVIF,)),
            304: Reply("The client has the image, according to `If-None-Match` or `If-Modified-Since`"),
        },
        refuses={
            403: "The signed address has expired",
            404: "Image not found, or this address does not lead to it",
            412: "The image does not match `If-Match` or `If-Unmodified-Since`",
            416: "`Range` begins after the end of the image",
        },
        public=True,
        rates=(),
    )
    async def get_picture(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        expires_at_s = await self._access.check(key, request.query)
        download = Download(
            await self._media.describe(key),
            _etag(key),
            {hdrs.CONTENT_TYPE: content_type_of(key)},
            partial(self._media.get, key),
        )
        headers = {**MEDIA_HEADERS, hdrs.CACHE_CONTROL: _caching(expires_at_s)}
        return await send_download(request, web.StreamResponse(headers=headers), download)


def _caching(expires_at_s: int | None) -> str:
    """Return how long a picture may be kept: an address that expires is not for shared caches."""
    if expires_at_s is None:
        return PUBLIC
    return f"private, max-age={max(0, expires_at_s - int(time.time()))}, immutable"


def _etag(key: str) -> ETag:
    """Return the version of a picture: the same on every host, because a key is written once."""
    return ETag(hashlib.blake2b(key.encode(errors="replace"), digest_size=12).hexdigest())
