"""`/uploads`: resumable uploads by the protocol tus 1.0 (https://tus.io/protocols/resumable-upload).

Extensions: creation, creation-with-upload, expiration, checksum, termination. A complete upload becomes media for a
later post, under its own id.
"""

import base64
import binascii
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

from aiohttp import hdrs, web
from marshmallow import Schema, fields

from server.clock import isoformat
from server.errors import InvalidInput, Malformed, PreconditionFailed, TooLarge, UnsupportedMedia
from server.handlers import serializers
from server.handlers.fields import Count, Id, Timestamp
from server.handlers.http.bodies.time_limits import BodyTimer, TimeLimits
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import current_principal, path_id
from server.ids import MediaId
from server.services.content.limits import MAX_ALT_TEXT
from server.services.content.uploads import Uploads
from server.services.records import ResumableUpload
from server.user_text import FORBIDDEN, clean_lines

PATH = "/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
OFFSET_OCTETS = "application/offset+octet-stream"
MAX_METADATA = 8192
MAX_DIGITS = 16
SHA1_BYTES = 20
PRECONDITION_FAILED = 412
STATE_HEADERS = ("Upload-Offset", "Upload-Expires", "Media-Id")


class ResumableUploadSchema(Schema):
    id = Id(required=True, metadata={"description": "Also the id of the image, once all bytes have arrived."})
    length = Count(required=True)
    offset = Count(required=True, metadata={"description": "How many bytes have arrived."})
    complete = fields.Boolean(required=True)
    expiresAt = Timestamp(required=True)


def _header(name: str, kind: str, description: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "in": "header", "name": name, "required": required, "schema": {"type": kind}, "description": description,
    }  # fmt: skip


TUS_RESUMABLE = _header("Tus-Resumable", "string", f"`{VERSION}`")
UPLOAD_LENGTH = _header("Upload-Length", "integer", "The size of the file in bytes.")
UPLOAD_METADATA = _header(
    "Upload-Metadata", "string", "`key base64, ...`; `altText` and `filetype` have a meaning.", required=False
)
UPLOAD_OFFSET = _header("Upload-Offset", "integer", "How many bytes have arrived, as in the last response.")
UPLOAD_CHECKSUM = _header(
    "Upload-Checksum", "string", "`sha1 base64`: the body is kept only if it matches.", required=False
)


class UploadRoutes:
    def __init__(self, uploads: Uploads, time_limits: TimeLimits) -> None:
        self._uploads = uploads
        self._time_limits = time_limits

    def routes(self) -> list[web.RouteDef]:
        return [
            web.options(PATH, self.describe_uploads),
            web.post(PATH, self.create_upload),
            web.get(f"{PATH}/{{uploadId}}", self.get_upload),
            web.patch(f"{PATH}/{{uploadId}}", self.append_to_upload),
            web.delete(f"{PATH}/{{uploadId}}", self.delete_upload),
        ]

    @operation(
        "describeUploads",
        "Get the version, the extensions and the maximum size of resumable uploads",
        tag="uploads",
        description="As tus clients do before the first upload.",
        responds={
            204: Reply(headers=("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"))
        },
        public=True,
        rates=(Rate.READS,),
    )
    async def describe_uploads(self, _: web.Request) -> web.Response:
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(self._uploads.max_bytes),
            "Tus-Checksum-Algorithm": "sha1",
        }
        return web.Response(status=204, headers=headers)

    @operation(
        "createUpload",
        "Begin a resumable upload of an image",
        tag="uploads",
        codes={
            409: (
                "too_many_unused_media",
                "too_many_unfinished_bytes",
                "upload_offset",
            ),
            412: ("tus_version",),
            422: (
                "content_refused",
                "image_empty",
            ),
        },
        description=f"A body of the type `{OFFSET_OCTETS}` is the beginning of the file.",
        parameters=(TUS_RESUMABLE, UPLOAD_LENGTH, UPLOAD_METADATA),
        responds={201: Reply(schema=ResumableUploadSchema, headers=("Location", *STATE_HEADERS))},
        refuses={
            400: "A header is missing or malformed",
            409: "You have too many unused images or unfinished uploads",
            412: "`Tus-Resumable` is missing or has another version",
            413: "The file is too large",
            415: "The file is not an image",
            422: "A value in `Upload-Metadata` is invalid",
            507: "There is no space left for uploads",
        },
        rates=(Rate.MEDIA, Rate.WRITES),
    )
    async def create_upload(self, request: web.Request) -> web.Response:
        _require_version(request)
        if "Upload-Defer-Length" in request.headers:
            raise Malformed("Upload-Defer-Length is not supported: send Upload-Length.")
        length, metadata = _number(request, "Upload-Length"), request.headers.get("Upload-Metadata", "")
        if length == 0:
            raise InvalidInput(
                "The file is empty.", code="image_empty", fields={"Upload-Length": ["Must not be 0."]}
            )
        owner_id = current_principal(request).user_id
        upload = await self._uploads.create(owner_id, length, _alt_text(metadata), metadata)
        if request.body_exists and request.content_type == OFFSET_OCTETS:
            upload = await self._append(request, upload.id, 0)
        # Relative, so that a proxy may serve the API below any path.
        headers = {"Location": f"uploads/{upload.id}", **_state_headers(upload)}
        return serializers.json_response(_body(upload), 201, headers)

    @operation(
        "getUpload",
        "Get how much of a resumable upload has arrived",
        tag="uploads",
        description="HEAD returns the same headers; only it is part of tus.",
        responds={
            200: Reply(
                schema=ResumableUploadSchema, headers=("Upload-Length", "Upload-Metadata", *STATE_HEADERS)
            )
        },
        refuses={404: "Not found, expired, or another user's"},
        rates=(Rate.UPLOAD_PARTS,),
    )
    async def get_upload(self, request: web.Request) -> web.Response:
        if request.method == hdrs.METH_HEAD:
            _require_version(request)
        upload = await self._uploads.get(current_principal(request).user_id, _upload_id(request))
        headers = {"Upload-Length": str(upload.length), "Cache-Control": "no-store", **_state_headers(upload)}
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return serializers.json_response(_body(upload), headers=headers)

    @operation(
        "appendToUpload",
        "Continue a resumable upload",
        tag="uploads",
        codes={409: ("upload_offset",), 412: ("tus_version",)},
        description=(
            f"The body, of the type `{OFFSET_OCTETS}`, is the file from `Upload-Offset` on. If the connection is cut,"
            " what arrived is kept. When all bytes have arrived, the image has the id in `Media-Id`, and is processed."
        ),
        parameters=(TUS_RESUMABLE, UPLOAD_OFFSET, UPLOAD_CHECKSUM),
        responds={204: Reply(headers=STATE_HEADERS)},
        refuses={
            400: "A header is missing or malformed",
            404: "Not found, expired, or another user's",
            408: "The body arrived too slowly; what arrived is kept",
            409: "`Upload-Offset` is not the number of bytes that have arrived",
            412: "`Tus-Resumable` is missing or has another version",
            413: "The body goes beyond the size of the file",
            415: f"The type of the body is not `{OFFSET_OCTETS}`",
            460: "`Upload-Checksum` does not match; the body is discarded",
            507: "There is no space left for uploads",
        },
        rates=(Rate.UPLOAD_PARTS,),
    )
    async def append_to_upload(self, request: web.Request) -> web.Response:
        _require_version(request)
        if request.content_type != OFFSET_OCTETS:
            raise UnsupportedMedia(f"The Content-Type of the body must be {OFFSET_OCTETS}.")
        upload = await self._append(request, _upload_id(request), _number(request, "Upload-Offset"))
        return web.Response(status=204, headers=_state_headers(upload))

    @operation(
        "deleteUpload",
        "Delete a resumable upload, and its image unless a post uses it",
        tag="uploads",
        description="Succeeds once: afterwards there is no such upload.",
        codes={412: ("tus_version",)},
        parameters=(TUS_RESUMABLE,),
        responds={204: Reply("Deleted")},
        refuses={
            404: "Not found, expired, or another user's",
            412: "`Tus-Resumable` is missing or has another version",
        },
        rates=(Rate.WRITES,),
    )
    async def delete_upload(self, request: web.Request) -> web.Response:
        _require_version(request)
        await self._uploads.delete(current_principal(request).user_id, _upload_id(request))
        return web.Response(status=204)

    async def _append(self, request: web.Request, upload_id: MediaId, offset: int) -> ResumableUpload:
        owner_id, digest = current_principal(request).user_id, _sha1_digest(request)
        if offset + (request.content_length or 0) > self._uploads.max_bytes:
            raise TooLarge(f"The upload is larger than {self._uploads.max_bytes} bytes.")
        return await self._uploads.append(owner_id, upload_id, offset, self._pieces(request), digest)

    async def _pieces(self, request: web.Request) -> AsyncIterator[bytes]:
        timer = BodyTimer(request.content, self._time_limits)
        try:
            while piece := await timer.wait(request.content.readany()):
                yield piece
        except web.RequestPayloadError as error:
            raise Malformed("The body is incomplete.") from error


async def add_tus_header(request: web.Request, response: web.StreamResponse) -> None:
    """Add the version to every response below `/uploads`, errors included."""
    if request.path == PATH or request.path.startswith(f"{PATH}/"):
        response.headers["Tus-Resumable"] = VERSION
        if response.status == PRECONDITION_FAILED:
            response.headers["Tus-Version"] = VERSION


def _upload_id(request: web.Request) -> MediaId:
    return MediaId(path_id(request, "uploadId"))


def _require_version(request: web.Request) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"The header Tus-Resumable must be {VERSION}.", code="tus_version")


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise Malformed(f"The header {name} must be a number of bytes.")
    return int(text)


def _sha1_digest(request: web.Request) -> bytes | None:
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm != "sha1":
        raise Malformed("The algorithm of Upload-Checksum must be sha1.")
    digest = _decoded("Upload-Checksum", encoded)
    if len(digest) != SHA1_BYTES:
        raise Malformed(f"Upload-Checksum must have {SHA1_BYTES} bytes.")
    return digest


def _alt_text(metadata: str) -> str:
    """Return the alt text in `metadata`. Raises Malformed, InvalidInput, and UnsupportedMedia for other files."""
    if len(metadata) > MAX_METADATA:
        raise TooLarge(f"Upload-Metadata is larger than {MAX_METADATA} bytes.")
    if not metadata.isascii():
        raise Malformed("The header Upload-Metadata must be ASCII: keys, and values in Base64.")
    values: dict[str, bytes] = {}
    for pair in filter(None, (each.strip() for each in metadata.split(","))):
        key, _, encoded = pair.partition(" ")
        values[key] = _decoded("Upload-Metadata", encoded)
    kind = values.get("filetype", b"image/").decode(errors="replace")
    if kind and not kind.startswith("image/"):
        raise UnsupportedMedia("Only images can be uploaded.")
    alt_text = values.get("altText", b"").decode(errors="replace")
    if FORBIDDEN.search(alt_text) or len(alt_text) > MAX_ALT_TEXT:
        problem = f"Must have at most {MAX_ALT_TEXT} valid characters."
        raise InvalidInput("Some values are invalid.", fields={"altText": [problem]})
    return clean_lines(alt_text)


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"The header {name} has a value that is not Base64.") from error


def _body(upload: ResumableUpload) -> dict[str, Any]:
    return {
        "id": str(upload.id),
        "length": upload.length,
        "offset": upload.offset,
        "complete": upload.offset == upload.length,
        "expiresAt": isoformat(upload.expires_at_ms),
    }


def _state_headers(upload: ResumableUpload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": formatdate(upload.expires_at_ms / 1000, usegmt=True),
        "Media-Id": str(upload.id),
    }
