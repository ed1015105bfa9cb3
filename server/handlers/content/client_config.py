"""`/config`: the limits and ways to sign in that clients need before they send anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.gateways.images.limits import FORMAT_NAMES, MEDIA_TYPES, pixel_limits
from server.gateways.images.processor import AVATAR_SIDES, THUMBNAIL_SIDE, WIDTHS
from server.gateways.oidc.providers import OidcProvider
from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.bodies.multipart import UploadLimits
from server.handlers.http.operations import Contribution, Reply, operation
from server.handlers.people.profiles import MAX_BIO, MAX_FULL_NAME, MAX_WEBSITE
from server.paging import DEFAULT_LIMIT, MAX_LIMIT
from server.services.content.limits import (
    MAX_ALT_TEXT,
    MAX_CAPTION,
    MAX_COLLECTION_NAME,
    MAX_COLLECTION_POSTS,
    MAX_COLLECTIONS,
    MAX_COMMENT,
    MAX_DRAFTS,
    MAX_SCHEDULE_DAYS,
    MAX_SCHEDULED,
    MAX_TAGS,
)

CACHE_CONTROL = "public, max-age=300"


class AcceptedFormatSchema(Schema):
    name = fields.String(required=True, metadata={"examples": ["JPEG"]})
    type = fields.String(required=True, metadata={"examples": ["image/jpeg"]})
    maxPixels = Count(required=True)


class ImageLimitsSchema(Schema):
    formats = fields.List(fields.Nested(AcceptedFormatSchema), required=True)
    maxPixelsProgressive = Count(required=True, metadata={"description": "Of a JPEG with several scans."})
    maxFiles = Count(required=True, metadata={"description": "Images per post."})
    maxFileBytes = Count(required=True)
    maxRequestBytes = Count(required=True, metadata={"description": "Of all files of a request."})
    widths = fields.List(fields.Integer(), required=True, metadata={"description": "Of `sources`."})
    thumbnailSide = Count(required=True)
    avatarSides = fields.List(fields.Integer(), required=True)
    maxTags = Count(required=True, metadata={"description": "Users who can be tagged in an image of a post."})


class TextLimitsSchema(Schema):
    """Maximum numbers of characters."""

    caption = Count(required=True)
    altText = Count(required=True)
    comment = Count(required=True)
    collectionName = Count(required=True)
    fullName = Count(required=True)
    bio = Count(required=True)
    website = Count(required=True)


class PushOptionsSchema(Schema):
    vapidPublicKey = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The `applicationServerKey` of a browser's subscription; null without Web Push.",
            "examples": [
                "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
            ],
        },
    )


class PageLimitsSchema(Schema):
    default = Count(required=True)
    max = Count(required=True)


class IdentityProviderSchema(Schema):
    name = fields.String(required=True, metadata={"description": "As in `POST /auth/oidc/{provider}`."})
    issuer = fields.String(required=True)
    clientIds = fields.List(fields.String(), required=True, metadata={"description": "Accepted audiences."})


class SignInOptionsSchema(Schema):
    providers = fields.List(fields.Nested(IdentityProviderSchema), required=True)
    passkeySite = fields.String(required=True, metadata={"description": "The domain of passkeys."})


class NewAccountRateSchema(Schema):
    perHour = Count(required=True)
    perDay = Count(required=True)


class NewAccountLimitsSchema(Schema):
    """Limits of what new accounts add, besides the general ones."""

    seconds = Count(
        required=True, metadata={"description": "The age from which an account is not new any more."}
    )
    sanctionDays = Count(
        required=True,
        metadata={"description": "How long an account counts as new after a decision of moderators."},
    )
    posts = fields.Nested(NewAccountRateSchema, required=True)
    comments = fields.Nested(NewAccountRateSchema, required=True)
    follows = fields.Nested(NewAccountRateSchema, required=True)
    likes = fields.Nested(NewAccountRateSchema, required=True)
    reports = fields.Nested(NewAccountRateSchema, required=True)


class ConfigSchema(Schema):
    images = fields.Nested(ImageLimitsSchema, required=True)
    texts = fields.Nested(TextLimitsSchema, required=True)
    pages = fields.Nested(PageLimitsSchema, required=True)
    signIn = fields.Nested(SignInOptionsSchema, required=True)
    push = fields.Nested(PushOptionsSchema, required=True)
    newAccounts = fields.Nested(
        NewAccountLimitsSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null if nothing is limited."},
    )
    maxUnusedMedia = Count(required=True, metadata={"description": "Images that no post uses, per user."})
    unusedMediaSeconds = Count(required=True, metadata={"description": "How long such images are kept."})
    maxCollections = Count(required=True, metadata={"description": "Collections of saved posts, per user."})
    maxCollectionPosts = Count(required=True, metadata={"description": "Posts in one collection."})
    maxDrafts = Count(required=True, metadata={"description": "Scheduled posts included, per user."})
    maxScheduled = Count(required=True, metadata={"description": "Scheduled posts per user."})
    maxScheduleDays = Count(required=True, metadata={"description": "How far ahead a post can be scheduled."})


@dataclass(frozen=True, slots=True)
class NewAccountLimits:
    """Until when an account is new, and how much it may add per hour and per day."""

    age_s: float
    sanction_days: int
    rates: Mapping[Contribution, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """The limits that settings change. `new_accounts`: None if there are no rate limits."""

    uploads: UploadLimits
    max_pixels: int
    max_unused: int
    unused_kept_s: float
    new_accounts: NewAccountLimits | None


@dataclass(frozen=True, slots=True)
class SignInOptions:
    """Ways to sign in besides passwords."""

    providers: Sequence[OidcProvider]
    passkey_site: str


class ConfigRoutes:
    def __init__(self, limits: ClientLimits, sign_in: SignInOptions, vapid_public_key: str | None) -> None:
        push = {"vapidPublicKey": vapid_public_key}
        self._config = {**_config(limits), "signIn": _sign_in(sign_in), "push": push}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/config", self.get_config)]

    @operation(
        "getConfig",
        "Get the limits of images, texts, pages and new accounts, and the ways to sign in",
        tag="config",
        description=(
            "Read it at the start of the app, so that the app checks sizes and lengths before it sends anything."
        ),
        responds={200: Reply("The configuration", ConfigSchema)},
        public=True,
        rates=(),
    )
    async def get_config(self, _: web.Request) -> web.Response:
        return serializers.json_response(self._config, headers={"Cache-Control": CACHE_CONTROL})


def _sign_in(options: SignInOptions) -> dict[str, Any]:
    return {
        "providers": [
            {"name": each.name, "issuer": each.issuer, "clientIds": list(each.client_ids)}
            for each in options.providers
        ],
        "passkeySite": options.passkey_site,
    }


def _new_accounts(limits: NewAccountLimits) -> dict[str, Any]:
    return {
        "seconds": round(limits.age_s),
        "sanctionDays": limits.sanction_days,
        **{
            contribution.value: {"perHour": per_hour, "perDay": per_day}
            for contribution, (per_hour, per_day) in limits.rates.items()
        },
    }


def _config(limits: ClientLimits) -> dict[str, Any]:
    pixels = pixel_limits(limits.max_pixels)
    return {
        "images": {
            "formats": [
                {"name": name, "type": MEDIA_TYPES[key], "maxPixels": pixels[key]}
                for key, name in FORMAT_NAMES.items()
            ],
            "maxPixelsProgressive": pixels["JPEG_BUFFERED"],
            "maxFiles": limits.uploads.max_files,
            "maxFileBytes": limits.uploads.max_file_bytes,
            "maxRequestBytes": limits.uploads.max_files_bytes,
            "widths": WIDTHS,
            "thumbnailSide": THUMBNAIL_SIDE,
            "avatarSides": AVATAR_SIDES,
            "maxTags": MAX_TAGS,
        },
        "texts": {
            "caption": MAX_CAPTION,
            "altText": MAX_ALT_TEXT,
            "comment": MAX_COMMENT,
            "collectionName": MAX_COLLECTION_NAME,
            "fullName": MAX_FULL_NAME,
            "bio": MAX_BIO,
            "website": MAX_WEBSITE,
        },
        "pages": {"default": DEFAULT_LIMIT, "max": MAX_LIMIT},
        "newAccounts": None if limits.new_accounts is None else _new_accounts(limits.new_accounts),
        "maxUnusedMedia": limits.max_unused,
        "unusedMediaSeconds": round(limits.unused_kept_s),
        "maxCollections": MAX_COLLECTIONS,
        "maxCollectionPosts": MAX_COLLECTION_POSTS,
        "maxDrafts": MAX_DRAFTS,
        "maxScheduled": MAX_SCHEDULED,
        "maxScheduleDays": MAX_SCHEDULE_DAYS,
    }
