"""Access control of every route: its status for an anonymous client, the owner of the objects, and eight others.

Each route needs a row in TABLE, or the first test fails. Each cell is one request to a running server. The owner's
account is private, because that is where the others differ: for a public one, all but the blocked user are followers.
`docs/permissions.md` shows the table; `python -m tests.contract.permissions` writes it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, FormData

from tests.contract.permissions import PAGE, page
from tests.contract.routes import app_routes, is_open, names
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form

ANONYMOUS, OWNER, STRANGER, ADMIN = "anonymous", "owner", "stranger", "administrator"
FOLLOWER, REQUESTED, BLOCKED, MUTED = "follower", "requested", "blocked", "muted"
SUSPENDED, MODERATOR = "suspended", "moderator"
ROLES = (ANONYMOUS, OWNER, FOLLOWER, REQUESTED, STRANGER, BLOCKED, MUTED, SUSPENDED, MODERATOR, ADMIN)
FOLLOWERS = (FOLLOWER, MUTED, SUSPENDED)


@dataclass(frozen=True, slots=True)
class Row:
    """The expected statuses of a route, and its request besides the path.

    A status that is not set is that of `stranger`. A muted follower must not notice it and is like any other follower;
    a suspended one is like an anonymous client, unless `suspended` is set. {names} in `json` and `query` are replaced
    as in the path. `form` is the name of a picture field. {userId} is the user in the role `user`.
    """

    anonymous: int
    owner: int
    stranger: int
    administrator: int
    moderator: int | None = None
    follower: int | None = None
    requested: int | None = None
    blocked: int | None = None
    suspended: int | None = None
    json: dict[str, Any] | None = None
    query: str = ""
    form: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    user: str = OWNER

    def cells(self) -> Iterator[tuple[str, int]]:
        """Yield each role with its status."""
        for who in ROLES:
            status = self.suspended if who == SUSPENDED else None
            if status is None:
                status = getattr(self, {MUTED: FOLLOWER, SUSPENDED: ANONYMOUS}.get(who, who))
            yield who, self.stranger if status is None else status


def open_to_all(status: int, **sent: Any) -> Row:
    return Row(status, status, status, status, **sent)


def signed_in(status: int, **sent: Any) -> Row:
    return Row(401, status, status, status, **sent)


def administrators(status: int, **sent: Any) -> Row:
    return Row(401, 403, 403, status, moderator=403, **sent)


def moderators(status: int, **sent: Any) -> Row:
    return Row(401, 403, 403, status, moderator=status, **sent)


def followers(status: int, **sent: Any) -> Row:
    """Return the row of a route that the owner and followers may use; for others there is no such object."""
    return Row(401, status, 404, 404, follower=status, **sent)


def public(row: Row, status: int = 404) -> Row:
    """Return the row of a route that needs no token: for anonymous clients the private owner does not exist."""
    return replace(row, anonymous=status, suspended=401)


def unblocked(status: int, **sent: Any) -> Row:
    """Return the row of a route about a user, who does not exist for a blocked one."""
    return Row(401, status, status, status, blocked=404, **sent)


TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}

ID_TOKEN = {"idToken": "no.id.token", "nonce": "a-long-nonce"}
_PASSKEY = {"id": "AAAA", "rawId": "AAAA", "type": "public-key"}
PASSKEY = {
    **_PASSKEY,
    "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
}
NEW_PASSKEY = {**_PASSKEY, "response": {"clientDataJSON": "AAAA", "attestationObject": "AAAA"}}

TABLE: dict[str, Row] = {
    "GET /": open_to_all(200),
    "GET /robots.txt": open_to_all(200),
    "GET /p/{postId}": open_to_all(404),
    "GET /@{username}": open_to_all(404),
    "GET /@{username}/feed.atom": open_to_all(404),
    "GET /oembed": open_to_all(404, query="?url=https%3A%2F%2Fexample.com"),
    "GET /app/{screen}": open_to_all(200),
    "GET /sign-in": open_to_all(200),
    "GET /sign-up": open_to_all(200),
    "GET /forgot-password": open_to_all(200),
    "GET /reset-password": open_to_all(200),
    "GET /verify-email": open_to_all(200),
    "GET /recover-account": open_to_all(200),
    "GET /appeal": open_to_all(200),
    "GET /export": open_to_all(200),
    "GET /admin": open_to_all(200),
    "GET /admin/{page}": open_to_all(200),
    "GET /service-worker.js": open_to_all(200),
    "GET /web/{version}/{path}": open_to_all(404),
    "GET /sdk/{path}": open_to_all(404),
    "GET /dev/outbox": open_to_all(404),  # only in development
    "GET /dev/outbox/{name}": open_to_all(404),
    "GET /config": open_to_all(200),
    "GET /healthz": open_to_all(200),
    "GET /readyz": open_to_all(200),
    "GET /metrics": open_to_all(200),
    "GET /api": open_to_all(200),
    "GET /api/openapi.json": open_to_all(200),
    "GET /api/openapi-staff.json": open_to_all(200),
    "GET /api/{asset}": open_to_all(200),
    "GET /media/{key}": Row(404, 200, 404, 404, follower=200),
    "GET /auth/available": open_to_all(200, query="?username={new}"),
    "POST /auth/register": open_to_all(
        201, json={"username": "{new}", "email": "{new}@example.com", "password": "long enough"}
    ),
    "POST /auth/login": open_to_all(401, json={"username": "{owner}", "password": "not the password"}),
    "POST /auth/oidc/{provider}": open_to_all(404, json=ID_TOKEN),
    "DELETE /auth/oidc/{provider}": signed_in(403),
    "POST /auth/oidc/{provider}/link": signed_in(404, json=ID_TOKEN),
    "POST /auth/oidc/{provider}/reauthenticate": signed_in(404, json=ID_TOKEN),
    "GET /auth/methods": signed_in(200),
    "GET /auth/passkeys": signed_in(200),
    "POST /auth/passkeys/register/begin": signed_in(403, json={}),
    "POST /auth/passkeys/register/finish": signed_in(422, json={"credential": NEW_PASSKEY}),
    "POST /auth/passkeys/sign-in/begin": open_to_all(200),
    "POST /auth/passkeys/sign-in/finish": open_to_all(401, json={"credential": PASSKEY}),
    "POST /auth/passkeys/reauthenticate/begin": signed_in(200),
    "POST /auth/passkeys/reauthenticate/finish": signed_in(422, json={"credential": PASSKEY}),
    "PUT /auth/passkeys/{passkeyId}": signed_in(404, json={"name": "Mine"}),
    "PATCH /auth/passkeys/{passkeyId}": signed_in(404, json={"name": "Mine"}),
    "DELETE /auth/passkeys/{passkeyId}": signed_in(403),
    "POST /auth/refresh": open_to_all(401, json={"refreshToken": "no refresh token"}),
    "POST /auth/logout": signed_in(204),
    "POST /auth/reauthenticate": signed_in(422, json={"password": "not the password"}),
    "GET /auth/second-factor": signed_in(200),
    "DELETE /auth/second-factor": signed_in(403, json={}),
    "POST /auth/second-factor/setup": signed_in(422, json={"password": "not the password"}),
    "POST /auth/second-factor/confirm": signed_in(409, json={"code": "123456"}),
    "POST /auth/second-factor/recovery-codes": signed_in(403, json={}),
    "POST /auth/second-factor/verify": open_to_all(401, json={"challenge": "none", "code": "123456"}),
    "GET /auth/sessions": signed_in(200),
    "DELETE /auth/sessions": signed_in(204),
    "DELETE /auth/sessions/{sessionId}": Row(401, 204, 404, 404),
    "POST /auth/change-password": signed_in(
        422, json={"oldPassword": "not the password", "newPassword": "long enough"}
    ),
    "POST /auth/forgot-password": open_to_all(202, json={"email": "{owner}@example.com"}),
    "POST /auth/verify-email": open_to_all(422, json={"token": "no token"}),
    "POST /auth/verify-email/resend": signed_in(202),
    "POST /auth/change-email": signed_in(
        422, json={"password": "not the password", "newEmail": "{new}@example.com"}
    ),
    "POST /auth/recover-account": open_to_all(422, json={"token": "no token"}),
    "POST /auth/reset-password": open_to_all(422, json={"token": "no token", "newPassword": "long enough"}),
    "GET /users/profile": signed_in(200),
    "PUT /users/profile": signed_in(200, json={"bio": "Light and hills"}),
    "PATCH /users/profile": signed_in(200, json={"bio": "Light and hills"}),
    "POST /users/profile/deactivate": signed_in(422, json={"password": "not the password"}),
    "DELETE /users/profile": signed_in(422, json={"password": "not the password"}),
    "POST /users/export": signed_in(422, json={"password": "not the password"}),
    "GET /users/export": signed_in(404),
    "GET /exports/{exportId}": open_to_all(404, query="?signature=x"),
    "POST /users/avatar": signed_in(200, form="avatar"),
    "DELETE /users/avatar": signed_in(200),
    "GET /users/{userId}": public(unblocked(200)),
    "POST /users/{userId}/follow": Row(401, 422, 200, 200, blocked=404),
    "POST /users/{userId}/block": Row(401, 422, 204, 204, blocked=404),
    "DELETE /users/{userId}/block": unblocked(204),
    "GET /blocks": signed_in(200),
    "POST /users/{userId}/mute": Row(401, 422, 204, 204, blocked=404),
    "DELETE /users/{userId}/mute": unblocked(204),
    "GET /mutes": signed_in(200),
    "POST /users/{userId}/close-friend": Row(401, 422, 204, 204, blocked=404),
    "DELETE /users/{userId}/close-friend": unblocked(204),
    "GET /close-friends": signed_in(200),
    "POST /users/{userId}/restrict": Row(401, 422, 204, 204, blocked=404),
    "DELETE /users/{userId}/restrict": unblocked(204),
    "GET /restricted": signed_in(200),
    "POST /reports": Row(
        401,
        422,
        404,
        404,
        follower=201,
        json={"subjectType": "post", "subjectId": "{postId}", "reason": "spam"},
    ),
    "GET /moderation/reports": moderators(200),
    "POST /moderation/reports/{caseId}/claim": moderators(200),
    "POST /moderation/reports/{caseId}/resolve": moderators(200, json={"action": "dismiss"}),
    "GET /moderation/decisions": signed_in(200),
    "GET /moderation/decisions/{decisionId}": Row(401, 200, 404, 404),
    "POST /moderation/decisions/{decisionId}/restore": moderators(200, json={"note": "A mistake"}),
    "GET /moderation/appeals": moderators(200),
    "POST /moderation/appeals": Row(
        401, 201, 404, 404, json={"decisionId": "{decisionId}", "comment": "A mistake"}
    ),
    "POST /moderation/appeals/by-token": open_to_all(422, json={"token": "no token", "comment": "A mistake"}),
    # The moderator made the decision, so that only another one may handle the appeal.
    "POST /moderation/appeals/{appealId}/claim": Row(401, 403, 403, 200, moderator=403),
    "POST /moderation/appeals/{appealId}/resolve": Row(
        401, 403, 403, 200, moderator=403, json={"outcome": "uphold"}
    ),
    "GET /moderation/filters": moderators(200),
    "POST /moderation/filters": moderators(
        201, json={"kind": "phrase", "pattern": "cheap {new}", "action": "report"}
    ),
    "PUT /moderation/filters/{filterId}": moderators(200, json={"action": "refuse"}),
    "PATCH /moderation/filters/{filterId}": moderators(200, json={"action": "refuse"}),
    "DELETE /moderation/filters/{filterId}": moderators(204),
    "GET /moderation/users/{userId}": moderators(200),
    "GET /moderation/staff": administrators(200),
    "PUT /moderation/users/{userId}/role": administrators(
        422, json={"role": "user", "password": "not the password"}
    ),
    "PATCH /moderation/users/{userId}/role": administrators(
        422, json={"role": "user", "password": "not the password"}
    ),
    "GET /moderation/users/{userId}/sessions": administrators(200),
    "DELETE /moderation/users/{userId}/sessions": administrators(204),
    "DELETE /moderation/users/{userId}/sessions/{sessionId}": administrators(204),
    "GET /moderation/audit": moderators(200, query="?userId={userId}"),
    "DELETE /users/profile/followers/{userId}": signed_in(204, user=FOLLOWER),
    "GET /follow-requests": signed_in(200),
    "GET /follow-requests/sent": signed_in(200),
    "POST /follow-requests/{userId}": Row(401, 204, 404, 404, user=REQUESTED),
    "DELETE /follow-requests/{userId}": Row(401, 204, 404, 404, user=REQUESTED),
    "DELETE /users/{userId}/follow": unblocked(200),
    "GET /users/{userId}/followers": unblocked(200),
    "GET /users/{userId}/following": unblocked(200),
    "POST /posts": signed_in(201, form="images"),
    "POST /media": signed_in(201, form="file"),
    "GET /media/unused": signed_in(200),
    "GET /media/unused/{mediaId}": Row(401, 200, 404, 404),
    "PUT /media/unused/{mediaId}": Row(401, 200, 404, 404, json={"altText": "A blue square"}),
    "PATCH /media/unused/{mediaId}": Row(401, 200, 404, 404, json={"altText": "A blue square"}),
    "DELETE /media/unused/{mediaId}": Row(401, 204, 404, 404),
    "OPTIONS /uploads": open_to_all(204),
    "POST /uploads": signed_in(201, headers=TUS | {"Upload-Length": "5"}),
    "GET /uploads/{uploadId}": Row(401, 200, 404, 404),
    "PATCH /uploads/{uploadId}": Row(401, 204, 404, 404, headers=TUS | {"Upload-Offset": "0"}),
    "DELETE /uploads/{uploadId}": Row(401, 204, 404, 404, headers=TUS),
    "GET /posts": public(unblocked(200, query="?userId={userId}")),
    "GET /posts/{postId}": public(followers(200)),
    "GET /posts/{postId}/history": followers(200),
    "GET /posts/{postId}/tags": followers(200),
    "DELETE /posts/{postId}/tags": signed_in(404),
    "POST /posts/{postId}/tags/approve": signed_in(404),
    "GET /users/{userId}/tagged": unblocked(200),
    "GET /tags/pending": signed_in(200),
    "GET /tags/settings": signed_in(200),
    "PUT /tags/settings": signed_in(200, json={"allowedFrom": "everyone"}),
    "PATCH /tags/settings": signed_in(200, json={"allowedFrom": "everyone"}),
    "GET /posts/{postId}/audience": Row(401, 200, 404, 404, follower=403),
    "PUT /posts/{postId}": Row(401, 200, 404, 404, follower=403, json={"caption": "The first light"}),
    "PATCH /posts/{postId}": Row(401, 200, 404, 404, follower=403, json={"caption": "The first light"}),
    "DELETE /posts/{postId}": Row(401, 204, 404, 404, follower=403),
    "POST /posts/{postId}/comments": followers(201, json={"content": "Well seen"}),
    "GET /posts/{postId}/comments": public(followers(200)),
    "GET /posts/{postId}/comments/{commentId}": public(followers(200)),
    "PUT /posts/{postId}/comments/{commentId}": Row(
        401, 200, 404, 404, follower=403, json={"content": "Well done"}
    ),
    "PATCH /posts/{postId}/comments/{commentId}": Row(
        401, 200, 404, 404, follower=403, json={"content": "Well done"}
    ),
    "POST /posts/{postId}/comments/{commentId}/pin": Row(401, 204, 404, 404, follower=403),
    "DELETE /posts/{postId}/comments/{commentId}/pin": Row(401, 204, 404, 404, follower=403),
    "POST /posts/{postId}/comments/{commentId}/approve": Row(401, 204, 404, 404, follower=403),
    "DELETE /posts/{postId}/comments/{commentId}": Row(401, 204, 404, 404, follower=403),
    "POST /posts/{postId}/comments/{commentId}/likes": followers(200),
    "DELETE /posts/{postId}/comments/{commentId}/likes": followers(200),
    "GET /posts/{postId}/comments/{commentId}/likes": followers(200),
    "POST /posts/{postId}/likes": followers(200),
    "DELETE /posts/{postId}/likes": followers(200),
    "GET /posts/{postId}/likes": followers(200),
    "POST /posts/{postId}/pin": Row(401, 200, 404, 404, follower=403),
    "DELETE /posts/{postId}/pin": Row(401, 200, 404, 404, follower=403),
    "POST /posts/{postId}/save": followers(200),
    "DELETE /posts/{postId}/save": signed_in(200),
    "GET /users/profile/likes": signed_in(200),
    "GET /users/profile/comments": signed_in(200),
    "GET /saved": signed_in(200),
    "GET /collections": signed_in(200),
    "POST /collections": signed_in(201, json={"name": "{new}"}),
    "GET /collections/{collectionId}": Row(401, 200, 404, 404),
    "PUT /collections/{collectionId}": Row(401, 200, 404, 404, json={"name": "{new}"}),
    "PATCH /collections/{collectionId}": Row(401, 200, 404, 404, json={"name": "{new}"}),
    "DELETE /collections/{collectionId}": Row(401, 204, 404, 404),
    "GET /collections/{collectionId}/posts": Row(401, 200, 404, 404),
    "POST /collections/{collectionId}/posts/{postId}": Row(401, 200, 404, 404),
    "DELETE /collections/{collectionId}/posts/{postId}": Row(401, 200, 404, 404),
    "GET /users/profile/comment-settings": signed_in(200),
    "PUT /users/profile/comment-settings": signed_in(200, json={"allowedFrom": "followers"}),
    "PATCH /users/profile/comment-settings": signed_in(200, json={"hiddenWords": ["casino"]}),
    "GET /feed": signed_in(200),
    "GET /feed/explain": signed_in(200, query="?postId={postId}"),
    "GET /users/suggestions": signed_in(200),
    "DELETE /users/suggestions/dismissed/{userId}": Row(401, 422, 204, 204, blocked=404),
    "POST /users/suggestions/dismissed/{userId}": unblocked(204),
    "GET /explore": signed_in(200),
    "GET /explore/explain": signed_in(200, query="?postId={postId}"),
    "GET /places": signed_in(200, query="?q=harbour"),
    "GET /places/{placeId}": followers(200),
    "GET /places/{placeId}/posts": followers(200),
    "GET /search": signed_in(200, query="?q=ana"),
    "GET /users": signed_in(200, query="?prefix=an"),
    "GET /search/recent": signed_in(200),
    "POST /search/recent": signed_in(200, json={"q": "ana"}),
    "DELETE /search/recent": signed_in(204),
    "DELETE /search/recent/{searchId}": signed_in(204),
    "GET /hashtags/trending": signed_in(200),
    "GET /hashtags/trending/explain": signed_in(200, query="?tag=sunset"),
    "GET /hashtags/{tag}": public(signed_in(200), 200),
    "GET /hashtags/following": signed_in(200),
    "POST /hashtags/{tag}/follow": signed_in(200),
    "DELETE /hashtags/{tag}/follow": signed_in(200),
    "GET /hashtags/{tag}/posts": public(signed_in(200), 200),
    "GET /notifications": signed_in(200),
    "GET /notifications/unread-count": signed_in(200),
    "POST /notifications/read": signed_in(200, json={"all": True}),
    "GET /notifications/preferences": signed_in(200),
    "PUT /notifications/preferences": signed_in(200, json={"like": {"email": False}}),
    "PATCH /notifications/preferences": signed_in(200, json={"like": {"email": False}}),
    "GET /notifications/unsubscribe": open_to_all(404, query="?token=made-up"),
    "POST /notifications/unsubscribe": open_to_all(404, query="?token=made-up"),
    "POST /notifications/stream-ticket": signed_in(200),
    "GET /notifications/stream": signed_in(200),
    "POST /devices": signed_in(200, json={"token": "token-of-{new}", "platform": "ios"}),
    "DELETE /devices": signed_in(204, json={"token": "token-of-{new}"}),
    "GET /queues": administrators(200),
    "GET /queues/history": administrators(200),
    "GET /queues/{queue}/failed": administrators(200),
    "GET /queues/{queue}/delayed": administrators(200),
    "POST /queues/{queue}/promote": administrators(200, json={"all": True}),
    "GET /jobs/{jobId}": administrators(404),
    "GET /installation/processes": administrators(200),
    "GET /installation/storage": administrators(200),
    "DELETE /queues/{queue}/failed": administrators(200, query="?all=true"),
    "POST /queues/{queue}/retry": administrators(200, json={"all": True}),
    "POST /queues/{queue}/pause": administrators(204),
    "POST /queues/{queue}/resume": administrators(204),
}


@dataclass(slots=True)
class Fixtures:
    """The users by role, and the objects of the owner, which are used until a request succeeds in changing them."""

    people: dict[str, Person]
    count: int = 0
    objects: dict[str, str] = field(default_factory=dict[str, str])

    async def prepare(self, wanted: str, who: str, user: str) -> dict[str, str]:
        """Create the objects that {names} in `wanted` need; return the values of the names."""
        self.count += 1
        owner, objects = self.people[OWNER], self.objects
        for name, create in (
            ("postId", self._post),
            ("mediaId", self._media),
            ("uploadId", self._upload),
            ("caseId", self._reported_case),
            ("decisionId", self._decision),
            ("appealId", self._appeal),
            ("filterId", self._filter),
            ("collectionId", self._collection),
            ("placeId", self._place),
        ):
            if f"{{{name}}}" in wanted and name not in objects:
                objects[name] = await create()
        if "{commentId}" in wanted and "commentId" not in objects:
            objects["commentId"] = (await owner.comment(objects["postId"], "Mine"))["id"]
        values = objects | {
            "owner": owner.username, "userId": self.people[user].id, "username": owner.username,
            "new": f"new{self.count}", "queue": "feed",
            "provider": "acme", "passkeyId": "1",
            "asset": "swagger-ui.css",
            "tag": "sunset",
            "searchId": "1",
            "exportId": "1", "jobId": "1",
            "screen": "explore", "page": "queues", "version": "1", "path": "nothing.js", "name": "nothing.eml",
        }  # fmt: skip
        if "{sessionId}" in wanted:
            sessions = await owner.list_all("/auth/sessions")
            values["sessionId"] = next(session["id"] for session in sessions if session["current"])
        if "{key}" in wanted:
            values["key"] = await self._picture_key(who)
        return values

    async def settle(self, wanted: str) -> None:
        """Undo what a request has changed: drop the objects that it used, and restore sessions and relationships."""
        for name in [name for name in self.objects if f"{{{name}}}" in wanted]:
            del self.objects[name]
        if "{postId}" in wanted:
            self.objects.pop("commentId", None)
        if wanted.startswith("/auth/") or "/sessions" in wanted:
            for who, person in self.people.items():
                if who not in (ANONYMOUS, SUSPENDED):
                    await sign_in_again(person)
        if "{userId}" in wanted:
            await self.relate()

    async def relate(self) -> None:
        """Give everybody the relationship to the owner that the role has."""
        owner = self.people[OWNER]
        for who, person in self.people.items():
            if who in (ANONYMOUS, OWNER) or not person.token:
                continue
            path = f"/users/{person.id}"
            for ended in ("block", "mute"):
                await owner.call("DELETE", f"{path}/{ended}")
                await person.call("DELETE", f"/users/{owner.id}/{ended}")
            if who not in FOLLOWERS:
                await person.call("DELETE", f"/users/{owner.id}/follow")
            if who in FOLLOWERS or who == REQUESTED:
                await person.call("POST", f"/users/{owner.id}/follow")
            if who in FOLLOWERS:
                await owner.call("POST", f"/follow-requests/{person.id}")
            if who in (BLOCKED, MUTED):
                assert (await owner.call("POST", f"{path}/{'block' if who == BLOCKED else 'mute'}")).ok

    async def _post(self) -> str:
        return (await self.people[OWNER].publish(photos.small()))["id"]

    async def _media(self) -> str:
        form = photo_form(photos.small(), field="file")
        return (await self.people[OWNER].request("POST", "/media", data=form))["id"]

    async def _place(self) -> str:
        """Return a place that only a post of the owner, whose account is private, has."""
        media, place = await self._media(), {"name": "Home", "lat": 10, "lng": 20}
        post = await self.people[OWNER].request("POST", "/posts", json={"mediaIds": [media], "place": place})
        return post["place"]["id"]

    async def _upload(self) -> str:
        begun = await self.people[OWNER].call("POST", "/uploads", headers=TUS | {"Upload-Length": "5"})
        return begun.headers["Media-Id"]

    async def _picture_key(self, who: str) -> str:
        """Return the key and the signature in the address that this user gets; without one, the key alone."""
        for reader in (self.people[who], self.people[OWNER]):
            post = await reader.call("GET", f"/posts/{self.objects['postId']}")
            if post.ok:
                key = post.json["images"][0]["url"].partition("/media/")[2]
                return key if reader is self.people[who] else key.partition("?")[0]
        raise AssertionError("the owner does not see the post")

    async def _reported_case(self) -> str:
        post_id = await self._post()
        report = {"subjectType": "post", "subjectId": post_id, "reason": "spam"}
        await self.people[FOLLOWER].request("POST", "/reports", json=report)
        cases = await self.people[MODERATOR].list_all("/moderation/reports")
        return next(case["id"] for case in cases if case["subjectId"] == post_id)

    async def _decision(self) -> str:
        """Warn the owner; return the id of the decision."""
        path = f"/moderation/reports/{await self._reported_case()}/resolve"
        return (await self.people[MODERATOR].request("POST", path, json={"action": "warn"}))["id"]

    async def _collection(self) -> str:
        body = {"name": f"Collection {self.count}"}
        return (await self.people[OWNER].request("POST", "/collections", json=body))["id"]

    async def _filter(self) -> str:
        body = {"kind": "phrase", "pattern": f"cheap watches {secrets.token_hex(4)}", "action": "report"}
        return (await self.people[MODERATOR].request("POST", "/moderation/filters", json=body))["id"]

    async def _appeal(self) -> str:
        body = {"decisionId": await self._decision(), "comment": "A mistake"}
        return (await self.people[OWNER].request("POST", "/moderation/appeals", json=body))["id"]


def test_every_route_has_a_row() -> None:
    routes = names(app_routes())
    missing, obsolete = sorted(routes - set(TABLE)), sorted(set(TABLE) - routes)
    assert not missing, f"Add rows to TABLE in {__file__}: which status does each role get from {missing}?"
    assert not obsolete, f"Remove rows without a route from TABLE in {__file__}: {obsolete}"


def test_rows_and_routes_agree_on_public_routes() -> None:
    for route in app_routes():
        assert route.resource
        row = TABLE[f"{route.method} {route.resource.canonical}"]
        needs_token = row.anonymous == 401 and row.owner != 401  # a wrong password is a 401 for all
        assert needs_token is not is_open(route), route


def test_page_shows_the_table() -> None:
    shown = PAGE.read_text() if PAGE.exists() else ""
    assert shown == page(TABLE, ROLES), (
        "Write docs/permissions.md: run `.venv/bin/python -m tests.contract.permissions`."
    )


# One stack is enough: tests of the services compare the rule on both.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_every_route_checks_access(
    program: Program, register: Register, new_program: NewProgram, session: ClientSession
) -> None:
    roles = [who for who in ROLES if who != ANONYMOUS]
    people = dict(
        zip(roles, await register(program, *(f"person{number}" for number in range(len(roles)))), strict=True)
    )
    for who, role in ((ADMIN, "admin"), (MODERATOR, "moderator")):
        assert (await new_program("role", people[who].username, role).spawn().end()).code == 0
    fixtures = Fixtures({ANONYMOUS: Person(program, session, username=""), **people})
    await people[OWNER].request("PATCH", "/users/profile", json={"isPrivate": True})
    await fixtures.relate()
    await suspend(people[SUSPENDED], people[MODERATOR])
    failures = [
        f"{name} for {who}: {status}, not {expected}"
        for name, row in TABLE.items()
        for who, expected in row.cells()
        if (status := await status_of(fixtures, name, row, who)) != expected
    ]
    assert not failures, "\n".join(failures)


async def suspend(person: Person, moderator: Person) -> None:
    report = {"subjectType": "user", "subjectId": person.id, "reason": "spam"}
    await moderator.request("POST", "/reports", json=report)
    (case,) = await moderator.list_all("/moderation/reports")
    decision = {"action": "suspend", "days": 1}
    await moderator.request("POST", f"/moderation/reports/{case['id']}/resolve", json=decision)


async def status_of(fixtures: Fixtures, name: str, row: Row, who: str) -> int:
    """Return the status for one client; the body is not read, because a stream does not end."""
    person = fixtures.people[who]
    method, path = name.split(" ")
    # The key of a picture leads to its post.
    wanted = f"{path} {row.query} {row.json}".replace("{key}", "{key}{postId}")
    values = await fixtures.prepare(wanted, who, row.user)
    sent: dict[str, Any] = {}
    if row.json is not None:
        sent["json"] = {member: fill_in(value, values) for member, value in row.json.items()}
    if row.form:
        sent["data"] = FormData()
        sent["data"].add_field(row.form, photos.small(), filename="photo.jpg", content_type="image/jpeg")
    headers = row.headers | ({"Authorization": f"Bearer {person.token}"} if person.token else {})
    url = person.program.url + (path + row.query).format_map(values)
    async with person.session.request(
        method, url, headers=headers, timeout=ClientTimeout(total=15), **sent
    ) as response:
        status = response.status
    if status < 300 and method not in ("GET", "OPTIONS"):
        await fixtures.settle(wanted)
    return status


def fill_in(value: Any, names: dict[str, str]) -> Any:
    return value.format_map(names) if isinstance(value, str) else value


async def sign_in_again(person: Person) -> None:
    """Start a session if the last one has ended."""
    if (await person.call("GET", "/notifications/unread-count")).status == 401:
        await person.sign_in()
