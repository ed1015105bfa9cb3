"""`/users`: one's own profile, and other people's."""

from functools import partial
from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, json_schema, response_schema
from marshmallow import Schema, ValidationError, fields, validate

from server.errors import NotFound
from server.handlers import rendering
from server.handlers.requests import BODY, path_id, viewer
from server.handlers.schemas import ProblemSchema, Strict, Text
from server.ids import UserId
from server.services.markup import USERNAME as USERNAME_FORM
from server.services.profiles import Profiles


def _is_username(name: str) -> None:
    if not USERNAME_FORM.fullmatch(name) or not 3 <= len(name) <= 30:
        raise ValidationError("3 to 30 letters, digits, underscores and dots; no dot at either end.")


def _is_web_address(address: str) -> None:
    if address and not address.startswith(("http://", "https://")):
        raise ValidationError("An address starts with http:// or https://.")


USERNAME: Any = partial(fields.String, validate=_is_username)
EMAIL: Any = partial(fields.Email, validate=validate.Length(max=254))
FULL_NAME: Any = partial(Text, maximum=100)


class ProfileBody(Strict):
    username = USERNAME()
    email = EMAIL()
    fullName = FULL_NAME(attribute="full_name")
    bio = Text(maximum=500)
    website = fields.String(validate=[validate.Length(max=200), _is_web_address])


class PublicProfileSchema(Schema):
    id = fields.String(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    bio = fields.String(required=True)
    website = fields.String(required=True)
    avatarUrl = fields.String(required=True, allow_none=True)
    role = fields.String(required=True)
    isCelebrity = fields.Boolean(required=True)
    postsCount = fields.Integer(required=True)
    followersCount = fields.Integer(required=True)
    followingCount = fields.Integer(required=True)
    createdAt = fields.String(required=True)
    isFollowing = fields.Boolean()
    followsYou = fields.Boolean()


class ProfileSchema(PublicProfileSchema):
    email = fields.String(required=True)


class ProfileRoutes:
    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/profile", self.own),
            web.put("/users/profile", self.edit),
            web.get("/users/{userId}", self.read),
        ]

    @docs(tags=["users"], summary="Get your own profile")
    @response_schema(ProfileSchema, 200)
    async def own(self, request: web.Request) -> web.Response:
        return rendering.json_response(rendering.profile(await self._profiles.own(viewer(request).user_id)))

    @docs(tags=["users"], summary="Change your profile")
    @json_schema(ProfileBody)
    @response_schema(ProfileSchema, 200)
    @response_schema(ProblemSchema, 409, description="The user name or the e-mail is taken")
    async def edit(self, request: web.Request) -> web.Response:
        changed = await self._profiles.edit(viewer(request).user_id, request[BODY])
        return rendering.json_response(rendering.profile(changed))

    @docs(tags=["users"], summary="Get somebody's profile, by id or @username")
    @response_schema(PublicProfileSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    async def read(self, request: web.Request) -> web.Response:
        found = await self._profiles.of(viewer(request).user_id, named_user(request))
        return rendering.json_response(rendering.profile(found))


def named_user(request: web.Request) -> UserId | str:
    """The `{userId}` of a path: an id, or a user name after an @. Raises NotFound for anything else."""
    text = request.match_info["userId"]
    if not text.startswith("@"):
        return UserId(path_id(request, "userId"))
    if not USERNAME_FORM.fullmatch(text[1:]):
        raise NotFound("There is no such user.")
    return text[1:]
