"""`/media` and `/media/unused`: upload pictures on their own, and look after those that no post uses yet."""

from functools import partial

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import ErrorCode, File, Id, RequestSchema, Text, Timestamp
from server.handlers.http.bodies.single_file import SingleFileReader
from server.handlers.http.idempotency import IdempotentResponder
from server.handlers.http.operations import Rate, Reply, operation, partial_update
from server.handlers.http.requests import BODY, current_principal, path_id
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import ImageSchema
from server.ids import MediaId, UserId
from server.services.content.limits import MAX_ALT_TEXT
from server.services.content.media import Media
from server.services.content.pictures import Upload
from server.services.records import MediaStatus, UnusedMedia

ALT_TEXT = "altText"


class MediaForm(RequestSchema):
    """The multipart form of one picture, for the document; `SingleFileReader` validates it."""

    file = File(required=True, metadata={"description": "JPEG, HEIC, PNG, WebP, AVIF or GIF."})
    altText = Text(maximum=MAX_ALT_TEXT)


class EditMediaBody(RequestSchema):
    altText = Text(maximum=MAX_ALT_TEXT, required=True)


class MediaProblemSchema(Schema):
    code = ErrorCode(required=True)
    detail = fields.String(required=True)


class UnusedMediaSchema(Schema):
    id = Id(required=True)
    status = fields.Enum(MediaStatus, by_value=fields.String, required=True)
    altText = fields.String(required=True)
    image = fields.Nested(ImageSchema, required=True, allow_none=True)
    problem = fields.Nested(MediaProblemSchema, required=True, allow_none=True)
    expiresAt = Timestamp(required=True)


class UnusedMediaListSchema(Schema):
    items = fields.List(fields.Nested(UnusedMediaSchema), required=True)


class UnusedMediaRoutes:
    def __init__(
        self,
        media: Media,
        files: SingleFileReader,
        idempotent: IdempotentResponder,
        rendered: PostSerializer,
    ) -> None:
        self._media = media
        self._files = files
        self._idempotent = idempotent
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/media", self.upload_media),
            web.get("/media/unused", self.list_unused_media),
            # Keys of the media store never start with `unused`, so these hide no file of `/media/{key}`.
            web.get("/media/unused/{mediaId}", self.get_unused_media),
            *partial_update("/media/unused/{mediaId}", self.describe_media),
            web.delete("/media/unused/{mediaId}", self.delete_media),
        ]

    @operation(
        "uploadMedia",
        "Upload an image for a later post",
        tag="media",
        codes={
            409: ("too_many_unused_media",),
            413: ("image_too_large",),
            422: (
                "image_empty",
                "image_damaged",
                "image_unprocessable",
                "picture_refused",
                "content_refused",
            ),
        },
        description=(
            "Publish it with `POST /posts` and its id in `mediaIds`. It expires if no post uses it within a day.\n\n"
            "In place of a form, the body may be the bytes of the file alone, with an image type or"
            " `application/octet-stream` as its Content-Type."
        ),
        form=MediaForm,
        file=True,
        responds={201: Reply(schema=UnusedMediaSchema, headers=("Location",))},
        refuses={
            409: "You have too many unused images, or a request with this Idempotency-Key is in progress",
            413: "The file or the image is too large",
            415: "The file is not an image of an accepted format",
        },
        rates=(Rate.MEDIA, Rate.WRITES),
        idempotent=True,
    )
    async def upload_media(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        async with self._files.read(request, {ALT_TEXT: MAX_ALT_TEXT}) as file:
            upload = Upload(file.path, file.texts.get(ALT_TEXT, ""))
            return await self._idempotent.respond(
                request,
                file.content_hash,
                execute=lambda token: self._media.add(owner_id, upload, token),
                reload=lambda media_id: self._media.get(owner_id, MediaId(media_id)),
                render=partial(self._created, owner_id),
            )

    @operation(
        "listUnusedMedia",
        "Get your images that no post uses yet, newest first",
        tag="media",
        description="All of them on one page.",
        responds={200: UnusedMediaListSchema},
        rates=(Rate.READS,),
    )
    async def list_unused_media(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        items = await self._media.list_unused(owner_id)
        return serializers.json_response(
            {"items": [self._rendered.unused_media(owner_id, item) for item in items]}
        )

    @operation(
        "getUnusedMedia",
        "Get an image that no post uses yet, with the state of its processing",
        tag="media",
        description="Poll it while `status` is `processing`, or listen to the event `media` of the live stream.",
        responds={200: UnusedMediaSchema},
        refuses={404: "Not found, expired, used by a post, or another user's"},
        rates=(Rate.READS,),
    )
    async def get_unused_media(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        media = await self._media.get(owner_id, _media_id(request))
        return serializers.json_response(self._rendered.unused_media(owner_id, media))

    @operation(
        "describeMedia",
        "Change the alt text of an image that no post uses yet",
        tag="media",
        description="The text becomes a part of the post that uses the image.",
        codes={422: ("content_refused",)},
        body=EditMediaBody,
        responds={200: UnusedMediaSchema},
        refuses={404: "Not found, expired, used by a post, or another user's"},
        rates=(Rate.WRITES,),
    )
    async def describe_media(self, request: web.Request) -> web.Response:
        owner_id, alt_text = current_principal(request).user_id, request[BODY][ALT_TEXT]
        media = await self._media.describe(owner_id, _media_id(request), alt_text)
        return serializers.json_response(self._rendered.unused_media(owner_id, media))

    @operation(
        "deleteMedia",
        "Delete an image that no post uses yet",
        tag="media",
        description="Deletes its files as well.",
        responds={204: Reply("Deleted")},
        refuses={404: "Not found, expired, used by a post, or another user's"},
        rates=(Rate.WRITES,),
    )
    async def delete_media(self, request: web.Request) -> web.Response:
        await self._media.delete(current_principal(request).user_id, _media_id(request))
        return web.Response(status=204)

    async def _created(self, owner_id: UserId, media: UnusedMedia) -> web.Response:
        body = self._rendered.unused_media(owner_id, media)
        return serializers.json_response(body, 201, {"Location": f"/media/unused/{media.id}"})


def _media_id(request: web.Request) -> MediaId:
    return MediaId(path_id(request, "mediaId"))
