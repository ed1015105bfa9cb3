"""`/media/{key}`: the pictures, where they are kept in a folder of ours and not in a bucket."""

from aiohttp import web
from aiohttp_apispec import docs

from server.gateways.media import MediaStore
from server.handlers.http.rate_limiting import not_rate_limited
from server.handlers.http.requests import public

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class MediaRoutes:
    def __init__(self, media: MediaStore) -> None:
        self._media = media

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/media/{key:.+}", self.read)]

    @docs(
        tags=["media"],
        operationId="getPicture",
        summary="Get a picture, by the URL that a post or a profile gives",
        produces=["image/jpeg"],
        headers={"200": ["ETag"]},
        responses={"200": {"description": "The picture", "schema": {"type": "string", "format": "binary"}}},
    )
    @public
    @not_rate_limited
    async def read(self, request: web.Request) -> web.StreamResponse:
        found = await self._media.get(request.match_info["key"])
        response = web.StreamResponse(headers={**HEADERS, "ETag": found.etag} if found.etag else HEADERS)
        response.content_type = found.content_type
        response.content_length = found.size
        await response.prepare(request)
        if request.method != "HEAD":
            async for chunk in found.chunks:
                await response.write(chunk)
        await response.write_eof()
        return response
