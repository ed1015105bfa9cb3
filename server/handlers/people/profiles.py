"""`/users`: one's own profile, and other people's."""

import re
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, form_schema, json_schema, response_schema
from marshmallow import Schema, ValidationError, fields, validate

from server.handlers import serializers
from server.handlers.http.multipart import Uploads
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, current_principal, path_user
from server.handlers.schemas import Address, Count, File, Id, Moment, ProblemSchema, Strict, Text
from server.services.accounts.usernames import USERNAME_PATTERN, normalize
from server.services.people.profiles import Profiles
from server.services.records import Role

WEB_ADDRESS = re.compile(r"https?://\S+")
MAX_ADDRESS = 254


def _is_username(name: str) -> None:
    if not USERNAME_PATTERN.fullmatch(name) or not 3 <= len(name) <= 30:
        raise ValidationError("3 to 30 letters, digits, underscores and dots; no dot at either end.")


def _fits_normalised(address: str) -> None:
    if len(normalize(address)) > MAX_ADDRESS:  # one character can stand for 18
        raise ValidationError(f"Longer than {MAX_ADDRESS} characters.")


class WebAddress(Text):
    """The address of a page, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": rf"^\s*({WEB_ADDRESS.pattern}\s*)?$"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs)
        if address and not WEB_ADDRESS.fullmatch(address):
            raise ValidationError("An address starts with http:// or https://, and has no spaces.")
        return address


USERNAME: Any = partial(
    fields.String,
    validate=_is_username,
    metadata={"pattern": f"^{USERNAME_PATTERN.pattern}$", "examples": ["ana"]},
)
EMAIL: Any = partial(
    fields.Email,
    validate=[validate.Length(max=MAX_ADDRESS), _fits_normalised],
    metadata={"examples": ["ana@example.com"]},
)
FULL_NAME: Any = partial(Text, maximum=100)


class ProfileBody(Strict):
    username = USERNAME()
    email = EMAIL()
    fullName = FULL_NAME(attribute="full_name")
    bio = Text(maximum=500)
    website = WebAddress(maximum=200)


class AvatarForm(Strict):
    """What `change_avatar` takes as multipart/form-data."""

    avatar = File(required=True, metadata={"description": "A JPEG, PNG or WebP image."})


class PublicProfileSchema(Schema):
    id = Id(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    bio = fields.String(required=True)
    website = fields.String(required=True)
    avatarUrl = Address(required=True, allow_none=True)
    role = fields.Enum(Role, by_value=fields.String, required=True)
    isCelebrity = fields.Boolean(required=True)
    postsCount = Count(required=True)
    followersCount = Count(required=True)
    followingCount = Count(required=True)
    createdAt = Moment(required=True)
    isFollowing = fields.Boolean()
    followsYou = fields.Boolean()


class ProfileSchema(PublicProfileSchema):
    email = fields.Email(required=True)


class ProfileRoutes:
    def __init__(self, profiles: Profiles, uploads: Uploads) -> None:
        self._profiles = profiles
        self._uploads = uploads

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/profile", self.own),
            web.put("/users/profile", self.edit),
            web.post("/users/avatar", self.change_avatar),
            # Not all that a segment can be: GET /users/avatar is the wrong method there, and no user.
            web.get("/users/{userId:[0-9@][^/]*}", self.read),
        ]

    @docs(tags=["users"], operationId="getOwnProfile", summary="Get your own profile")
    @response_schema(ProfileSchema, 200)
    @rate_limited(Rate.READS)
    async def own(self, request: web.Request) -> web.Response:
        return serializers.json_response(
            serializers.profile(await self._profiles.own(current_principal(request).user_id))
        )

    @docs(
        tags=["users"],
        operationId="editProfile",
        summary="Change your profile",
        description="Members that are left out stay as they are; an empty object changes nothing.",
    )
    @json_schema(ProfileBody)
    @response_schema(ProfileSchema, 200)
    @response_schema(ProblemSchema, 409, description="The user name or the e-mail is taken")
    @rate_limited(Rate.WRITES)
    async def edit(self, request: web.Request) -> web.Response:
        changed = await self._profiles.edit(current_principal(request).user_id, request[BODY])
        return serializers.json_response(serializers.profile(changed))

    @docs(
        tags=["users"],
        operationId="changeAvatar",
        summary="Change your avatar",
        description="What is shown is the square out of the middle.",
    )
    @form_schema(AvatarForm)
    @response_schema(ProfileSchema, 200)
    @response_schema(ProblemSchema, 413, description="The file or the image is too large")
    @response_schema(ProblemSchema, 415, description="The file is no JPEG, PNG or WebP image")
    @rate_limited(Rate.UPLOADS, Rate.WRITES)
    async def change_avatar(self, request: web.Request) -> web.Response:
        async with self._uploads.read(request, files={"avatar"}, texts=set()) as form:
            changed = await self._profiles.change_avatar(
                current_principal(request).user_id, form.file("avatar")
            )
        return serializers.json_response(serializers.profile(changed))

    @docs(tags=["users"], operationId="getProfile", summary="Get somebody's profile, by id or @username")
    @response_schema(PublicProfileSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    @rate_limited(Rate.READS)
    async def read(self, request: web.Request) -> web.Response:
        found = await self._profiles.of(current_principal(request).user_id, path_user(request))
        return serializers.json_response(serializers.profile(found))
