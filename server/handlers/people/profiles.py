"""`/users`: profiles and avatars."""

from enum import StrEnum
from functools import partial
from typing import Any

import orjson
from aiohttp import web
from marshmallow import Schema, ValidationError, fields, validate

from server.handlers import serializers
from server.handlers.fields import (
    Count,
    File,
    Id,
    Name,
    QueryList,
    RequestSchema,
    StrictBoolean,
    Text,
    Timestamp,
    Url,
    Website,
)
from server.handlers.http.bodies.multipart import FormReader
from server.handlers.http.operations import Rate, operation, partial_update
from server.handlers.http.requests import BODY, QUERY, current_principal, path_user
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PostSchema, page_of
from server.handlers.user_cards import ImageSourceSchema, RelationshipSchema
from server.paging import PageRequest
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.content.posts import Posts
from server.services.people.profiles import Profiles
from server.services.records import Profile, Role, SearchEngines

MAX_FULL_NAME, MAX_BIO, MAX_WEBSITE = 100, 500, 200


def _validate_username(name: str) -> None:
    if not USERNAME_PATTERN.fullmatch(name) or not 3 <= len(name) <= 30:
        raise ValidationError(
            "Must have 3 to 30 letters, digits, underscores and dots, without a dot at either end."
        )


SEARCH_ENGINES = (
    "Search engines may index the pages of your profile and posts. Previews elsewhere are not affected."
)
SHARE_URL = (
    "The page for people without an account; null for a private account, and on a server without such pages."
)
UsernameField: Any = partial(
    fields.String,
    validate=_validate_username,
    metadata={"pattern": f"^{USERNAME_PATTERN.pattern}$", "examples": ["ana"]},
)
FullNameField: Any = partial(Name, maximum=MAX_FULL_NAME)


class EditProfileBody(RequestSchema):
    username = UsernameField()
    fullName = FullNameField(attribute="full_name")
    bio = Text(maximum=MAX_BIO)
    isPrivate = StrictBoolean(
        attribute="is_private",
        metadata={"description": "Only accepted followers see your posts. `false` accepts all requests."},
    )
    searchEngines = fields.Enum(
        SearchEngines,
        by_value=fields.String,
        attribute="search_engines",
        metadata={"description": SEARCH_ENGINES},
    )
    website = Website(maximum=MAX_WEBSITE)

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
        if isinstance(error.messages, dict) and "email" in error.messages:
            error.messages["email"] = ["Change the e-mail address with POST /auth/change-email."]


class AvatarForm(RequestSchema):
    """The multipart form of a new avatar."""

    avatar = File(required=True, metadata={"description": "A JPEG, HEIC, PNG, WebP, AVIF or GIF image."})


class UserProfileSchema(Schema):
    id = Id(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    bio = fields.String(required=True)
    website = fields.String(required=True)
    avatarUrl = Url(required=True, allow_none=True)
    avatarSources = fields.List(fields.Nested(ImageSourceSchema), required=True)
    isCelebrity = fields.Boolean(required=True)
    postsCount = Count(required=True)
    followersCount = Count(required=True)
    followingCount = Count(required=True)
    createdAt = Timestamp(required=True)
    isPrivate = fields.Boolean(required=True)
    shareUrl = Url(required=True, allow_none=True, metadata={"description": SHARE_URL})
    relationship = fields.Nested(RelationshipSchema)
    isFollowing = fields.Boolean()
    followsYou = fields.Boolean()


class OwnProfileSchema(UserProfileSchema):
    email = fields.Email(required=True)
    role = fields.Enum(Role, by_value=fields.String, required=True)
    emailVerified = fields.Boolean(required=True)
    searchEngines = fields.Enum(
        SearchEngines, by_value=fields.String, required=True, metadata={"description": SEARCH_ENGINES}
    )
    pendingEmail = fields.Email(
        required=True,
        allow_none=True,
        metadata={"description": "The address that replaces `email` as soon as it is verified."},
    )


class ProfileInclude(StrEnum):
    """Parts of the screen of a profile that a profile can include."""

    POSTS = "posts"


class ProfileQuery(RequestSchema):
    include = QueryList(
        fields.Enum(ProfileInclude, by_value=fields.String),
        validate=validate.Length(1, len(ProfileInclude)),
        metadata={"description": "`posts`: with the first page of the user's posts."},
    )


_posts: Any = partial(
    fields.Nested,
    page_of(PostSchema),
    metadata={"description": "If included; the next page is at `GET /posts?userId=`."},
)


class OwnProfileWithPostsSchema(OwnProfileSchema):
    posts = _posts()


class UserProfileWithPostsSchema(UserProfileSchema):
    posts = _posts()


class ProfileRoutes:
    def __init__(self, profiles: Profiles, posts: Posts, forms: FormReader, rendered: PostSerializer) -> None:
        self._profiles = profiles
        self._posts = posts
        self._forms = forms
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/profile", self.get_own_profile),
            *partial_update("/users/profile", self.edit_profile),
            web.post("/users/avatar", self.change_avatar),
            web.delete("/users/avatar", self.remove_avatar),
            # A restricted segment, so that GET /users/avatar is a 405 and not an unknown user.
            web.get("/users/{userId:[0-9@][^/]*}", self.get_profile),
        ]

    @operation(
        "getOwnProfile",
        "Get your own profile, with your posts if you want",
        tag="users",
        description="Has members that other users do not see: e-mail address, role and pending changes.",
        query=ProfileQuery,
        responds={200: OwnProfileWithPostsSchema},
        rates=(Rate.READS,),
        etag=True,
    )
    async def get_own_profile(self, request: web.Request) -> web.Response:
        profile = await self._profiles.get_own(current_principal(request).user_id)
        return await self._with_parts(request, profile)

    @operation(
        "editProfile",
        "Change your profile",
        tag="users",
        codes={
            409: ("username_taken",),
            422: (
                "username_reserved",
                "content_refused",
            ),
        },
        description="Omitted members stay unchanged; an empty object changes nothing.",
        body=EditProfileBody,
        responds={200: OwnProfileSchema},
        refuses={409: "The username is taken"},
        rates=(Rate.WRITES,),
    )
    async def edit_profile(self, request: web.Request) -> web.Response:
        profile = await self._profiles.edit(current_principal(request).user_id, request[BODY])
        return serializers.json_response(serializers.profile(profile))

    @operation(
        "changeAvatar",
        "Change your avatar",
        tag="users",
        codes={
            413: ("image_too_large",),
            422: (
                "image_empty",
                "image_damaged",
                "image_unprocessable",
                "picture_refused",
            ),
        },
        description="The image is cropped to a centred square.",
        form=AvatarForm,
        responds={200: OwnProfileSchema},
        refuses={
            413: "The file or the image is too large",
            415: "The file is not an image of an accepted format",
        },
        rates=(Rate.UPLOADS, Rate.WRITES),
    )
    async def change_avatar(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        async with self._forms.read(request, files={"avatar"}, texts=set()) as form:
            profile = await self._profiles.change_avatar(user_id, form.file("avatar"))
        return serializers.json_response(serializers.profile(profile))

    @operation(
        "removeAvatar",
        "Remove your avatar",
        tag="users",
        description="Succeeds without an avatar as well.",
        responds={200: OwnProfileSchema},
        rates=(Rate.WRITES,),
    )
    async def remove_avatar(self, request: web.Request) -> web.Response:
        profile = await self._profiles.remove_avatar(current_principal(request).user_id)
        return serializers.json_response(serializers.profile(profile))

    @operation(
        "getProfile",
        "Get a user's profile, by id or @username, with the posts if you want",
        tag="users",
        description="A user that you have blocked is shown; one that has blocked you does not exist for you.",
        query=ProfileQuery,
        responds={200: UserProfileWithPostsSchema},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
        anonymous=True,
        etag=True,
    )
    async def get_profile(self, request: web.Request) -> web.Response:
        profile = await self._profiles.get(current_principal(request).user_id, path_user(request))
        return await self._with_parts(request, profile)

    async def _with_parts(self, request: web.Request, profile: Profile) -> web.Response:
        """Return a profile with the parts of its screen that the query includes."""
        body = serializers.profile(profile)
        if ProfileInclude.POSTS in request[QUERY].get("include", ()):
            viewer_id = current_principal(request).user_id
            page = await self._posts.list_by_author(viewer_id, profile.id, PageRequest(), with_likers=False)
            body["posts"] = orjson.Fragment(self._rendered.page(viewer_id, page).json())
        return serializers.json_response(body)
