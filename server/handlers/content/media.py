"""`/media/{key}`: image files, if they are stored in a local folder and not in a bucket."""

from aiohttp import web

from server.gateways.media import MediaStore
from server.handlers.http.operations import Reply, operation

MEDIA_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class MediaRoutes:
    def __init__(self, media: MediaStore) -> None:
        self._media = media

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/media/{key:.+}", self.get_picture)]

    @operation(
        "getPicture",
        "Get an image by its URL from a post or a profile",
        tag="media",
        responds={
            200: Reply("The image", {"type": "string", "format": "binary"}, "image/jpeg", headers=("ETag",))
        },
        public=True,
        rates=(),
    )
    async def get_picture(self, request: web.Request) -> web.StreamResponse:
        image = await self._media.get(request.match_info["key"])
        headers = {**MEDIA_HEADERS, "ETag": image.etag} if image.etag else MEDIA_HEADERS
        response = web.StreamResponse(headers=headers)
        response.content_type = image.content_type
        response.content_length = image.size
        await response.prepare(request)
        if request.method != "HEAD":
            async for chunk in image.chunks:
                await response.write(chunk)
        await response.write_eof()
        return response
