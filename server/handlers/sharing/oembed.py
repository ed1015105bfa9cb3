"""`/oembed`: previews of shared links for other sites (oembed.com)."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.errors import NotFound
from server.handlers import serializers
from server.handlers.fields import QueryInteger, RequestSchema, Url
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY
from server.handlers.sharing import previews
from server.handlers.sharing.html import CACHED
from server.handlers.sharing.shared_content import SharedContent
from server.ids import MAX_ID, PostId

MAX_SIDE = 10_000


class OembedQuery(RequestSchema):
    url = fields.String(
        required=True,
        validate=validate.Length(1, 1000),
        metadata={
            "description": "The `shareUrl` of a post or a profile.",
            "examples": ["http://localhost:3000/@ana"],
        },
    )
    maxwidth = QueryInteger(
        load_default=previews.PREVIEW_WIDTH,
        validate=validate.Range(1, MAX_SIDE),
        metadata={"description": "The maximum width of the image in pixels."},
    )
    maxheight = QueryInteger(
        load_default=MAX_SIDE,
        validate=validate.Range(1, MAX_SIDE),
        metadata={"description": "The maximum height of the image in pixels."},
    )
    format = fields.String(
        load_default="json", validate=validate.OneOf(["json"]), metadata={"description": "Only JSON."}
    )


class OembedSchema(Schema):
    """A preview as oembed.com defines it."""

    version = fields.String(required=True, metadata={"description": "Always `1.0`.", "examples": ["1.0"]})
    type = fields.String(
        required=True,
        validate=validate.OneOf(["photo", "link"]),
        metadata={"description": "`photo` for a post, `link` for a profile."},
    )
    title = fields.String(required=True, metadata={"description": "The title of the page."})
    author_name = fields.String(required=True, metadata={"description": "The name of the author."})
    author_url = Url(required=True, metadata={"description": "The page of the author."})
    provider_name = fields.String(required=True, metadata={"description": "The name of this service."})
    provider_url = Url(required=True, metadata={"description": "The address of this service."})
    cache_age = fields.Integer(
        required=True, metadata={"description": "For how many seconds to keep the preview."}
    )
    url = Url(metadata={"description": "The image, for a post."})
    width = fields.Integer(metadata={"description": "The width of the image in pixels."})
    height = fields.Integer(metadata={"description": "The height of the image in pixels."})
    thumbnail_url = Url(metadata={"description": "The avatar, for a profile that has one."})
    thumbnail_width = fields.Integer(metadata={"description": "The width of the avatar in pixels."})
    thumbnail_height = fields.Integer(metadata={"description": "The height of the avatar in pixels."})


class OembedRoutes:
    def __init__(self, shared: SharedContent, public_url: str) -> None:
        self._shared = shared
        self._public_url = public_url

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/oembed", self.get_oembed)]

    @operation(
        "getOembed",
        "Get the preview of a link to a post or a profile",
        tag="sharing",
        description="For other sites: the pages lead to it. Only for what everybody may see.",
        query=OembedQuery,
        responds={200: OembedSchema},
        refuses={404: "The address is not one of a public post or profile"},
        rates=(Rate.READS,),
        public=True,
    )
    async def get_oembed(self, request: web.Request) -> web.Response:
        query = request[QUERY]
        path = query["url"].partition("?")[0].partition("#")[0]
        if not path.startswith(f"{self._public_url}/"):
            raise NotFound("This is not the address of a post or a profile.")
        kind, _, name = path.removeprefix(f"{self._public_url}/").partition("/")
        if kind == "p" and name.isascii() and name.isdigit() and len(name) <= 16 and int(name) <= MAX_ID:
            body = await self._post(PostId(int(name)), query["maxwidth"], query["maxheight"])
        elif kind.startswith("@") and not name:
            body = await self._profile(kind.removeprefix("@"))
        else:
            raise NotFound("This is not the address of a post or a profile.")
        return serializers.json_response(body, headers={"Cache-Control": CACHED})

    async def _post(self, post_id: PostId, max_width: int, max_height: int) -> dict[str, Any]:
        post, author = await self._shared.get_post(post_id)
        preview = previews.post_preview(post, self._shared.links.post_page(post.id), "")
        source = previews.preview_source(post.card.images[0], max_width, max_height)
        image = {"url": source.url, "width": source.width, "height": source.height}
        return {
            "type": "photo",
            **self._common(preview.title, previews.name_of(author), author.username),
            **image,
        }

    async def _profile(self, username: str) -> dict[str, Any]:
        profile = await self._shared.get_profile(username)
        preview = previews.profile_preview(profile, "")
        body = {"type": "link", **self._common(preview.title, previews.name_of(profile), profile.username)}
        if preview.image is not None:
            body |= {
                "thumbnail_url": preview.image.url,
                "thumbnail_width": preview.image.width,
                "thumbnail_height": preview.image.height,
            }
        return body

    def _common(self, title: str, author: str, username: str) -> dict[str, Any]:
        return {
            "version": "1.0",
            "title": title,
            "author_name": author,
            "author_url": self._shared.links.profile_page(username),
            "provider_name": "photofeed",
            "provider_url": self._public_url,
            "cache_age": 60,
        }
