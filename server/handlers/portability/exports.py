"""`/users/export` and `/exports`: request an archive of your data, and download it."""

from functools import partial

from aiohttp import ETag, hdrs, web
from marshmallow import Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.accounts.reauthentication import REAUTHENTICATION, ConfirmationBody, confirmation
from server.handlers.fields import Count, Id, RequestSchema, Timestamp, Url
from server.handlers.http.idempotency import IdempotentResponder
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.representations.downloads import Download, send_download
from server.handlers.http.requests import BODY, QUERY, current_principal, path_id
from server.ids import ExportId
from server.services.portability.exports import Export, Exports

STATUSES = ("queued", "running", "ready", "failed", "expired")
PROBLEMS = ("interrupted", "storage_full")
ZIP = "application/zip"
ARCHIVE = {"type": "string", "format": "binary"}
VALIDATORS = ("ETag", "Last-Modified")
ARCHIVE_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
    "Accept-Ranges": "bytes",
}


class DataExportSchema(Schema):
    """Members that do not apply to the status are null."""

    id = Id(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    progress = fields.Integer(
        required=True, validate=validate.Range(0, 100), metadata={"description": "In percent."}
    )
    requestedAt = Timestamp(required=True)
    size = Count(required=True, allow_none=True, metadata={"description": "In bytes."})
    url = Url(
        required=True,
        allow_none=True,
        metadata={
            "description": "Works without an access token, until `expiresAt` or a change of the password."
        },
    )
    expiresAt = Timestamp(required=True, allow_none=True)
    problem = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf((*PROBLEMS, None)),
        metadata={"description": "Why it failed."},
    )


class ArchiveQuery(RequestSchema):
    signature = fields.String(required=True, validate=validate.Length(max=100))


class ExportRoutes:
    def __init__(self, exports: Exports, idempotent: IdempotentResponder) -> None:
        self._exports = exports
        self._idempotent = idempotent

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/users/export", self.request_export),
            web.get("/users/export", self.get_export),
            web.get("/exports/{exportId}", self.download_export),
        ]

    @operation(
        "requestExport",
        "Request an archive of all your data",
        tag="users",
        codes={
            403: ("reauthentication_required",),
            409: ("export_in_progress",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="A job creates a ZIP file with everything that is stored about you, and your pictures. You get"
        " an e-mail when it is ready. Its format is described in `docs/export.md`.",
        body=ConfirmationBody,
        responds={202: Reply("Requested", DataExportSchema, headers=("Location",))},
        refuses={
            409: "An export is being created, or a request with this Idempotency-Key is in progress",
            **REAUTHENTICATION,
        },
        rates=(Rate.WRITES,),
        success_rates=(Rate.EXPORTS,),
        idempotent=True,
    )
    async def request_export(self, request: web.Request) -> web.Response:
        principal = current_principal(request)
        return await self._idempotent.respond(
            request,
            b"",  # not the password, which the stored fingerprint would help to guess
            execute=lambda token: self._exports.request(principal, confirmation(request[BODY]), token),
            reload=lambda _: self._exports.get(principal.user_id),
            render=_requested,
            stores_response=False,  # a later one has the link
        )

    @operation(
        "getExport",
        "Get the state of the archive that you requested last",
        tag="users",
        description="Poll it until `status` is `ready`; then `url` works for seven days.",
        responds={200: DataExportSchema},
        refuses={404: "You have not requested an archive"},
        rates=(Rate.READS,),
    )
    async def get_export(self, request: web.Request) -> web.Response:
        export = await self._exports.get(current_principal(request).user_id)
        return serializers.json_response(_json(export))

    @operation(
        "downloadExport",
        "Download an archive by the `url` of `getExport`",
        tag="users",
        description="The signature in the address replaces the access token. `Range` is supported.",
        query=ArchiveQuery,
        responds={
            200: Reply("The archive", ARCHIVE, ZIP, headers=(*VALIDATORS, "Accept-Ranges")),
            206: Reply("A part of the archive", ARCHIVE, ZIP, headers=(*VALIDATORS, "Content-Range")),
            304: Reply("The client has the archive, according to `If-None-Match` or `If-Modified-Since`"),
        },
        refuses={
            404: "The archive expired, or the link is incomplete",
            412: "The archive does not match `If-Match` or `If-Unmodified-Since`",
            416: "`Range` begins after the end of the archive",
        },
        public=True,
        rates=(Rate.READS,),
    )
    async def download_export(self, request: web.Request) -> web.StreamResponse:
        export_id = ExportId(path_id(request, "exportId"))
        archive = await self._exports.find_archive(export_id, request[QUERY]["signature"])
        download = Download(
            archive.description,
            ETag(str(export_id)),
            {hdrs.CONTENT_TYPE: ZIP, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{archive.name}"'},
            partial(self._exports.read, archive),
        )
        return await send_download(request, web.StreamResponse(headers=ARCHIVE_HEADERS), download)


async def _requested(export: Export) -> web.Response:
    return serializers.json_response(_json(export), 202, {"Location": "/users/export"})


def _json(export: Export) -> dict[str, object]:
    return {
        "id": str(export.id),
        "status": export.status,
        "progress": export.progress,
        "requestedAt": isoformat(export.requested_at_ms),
        "size": export.size,
        "url": export.url,
        "expiresAt": None if export.expires_at_ms is None else isoformat(export.expires_at_ms),
        "problem": export.problem,
    }
