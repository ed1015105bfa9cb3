"""Access control of every route: its status for an anonymous client, the owner, a stranger and an administrator.

Each route needs a row in TABLE, or the first test fails. Each cell is one request with a new session and new objects,
so that a cell may delete the objects or end the session.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, FormData

from tests.contract.routes import app_routes, is_open, names
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form

ANONYMOUS, OWNER, STRANGER, ADMIN = "anonymous", "owner", "stranger", "administrator"
MODERATOR = "moderator"


@dataclass(frozen=True, slots=True)
class Row:
    """The expected statuses of a route, and its request besides the path.

    `moderator` is only set where it may differ from `stranger`.
    {names} in `json` and `query` are replaced as in the path. `form` is the name of a picture field.
    """

    anonymous: int
    owner: int
    stranger: int
    administrator: int
    moderator: int | None = None
    json: dict[str, Any] | None = None
    query: str = ""
    form: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def cells(self) -> Iterator[tuple[str, int]]:
        for who in (ANONYMOUS, OWNER, STRANGER, ADMIN):
            yield who, getattr(self, who)
        if self.moderator is not None:
            yield MODERATOR, self.moderator


def open_to_all(status: int, **sent: Any) -> Row:
    return Row(status, status, status, status, **sent)


def signed_in(status: int, **sent: Any) -> Row:
    return Row(401, status, status, status, **sent)


def administrators(status: int, **sent: Any) -> Row:
    return Row(401, 403, 403, status, moderator=403, **sent)


def moderators(status: int, **sent: Any) -> Row:
    return Row(401, 403, 403, status, moderator=status, **sent)


TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}

TABLE: dict[str, Row] = {
    "GET /config": open_to_all(200),
    "GET /healthz": open_to_all(200),
    "GET /readyz": open_to_all(200),
    "GET /metrics": open_to_all(200),
    "GET /api": open_to_all(200),
    "GET /api/openapi.json": open_to_all(200),
    "GET /api/{asset}": open_to_all(200),
    "GET /media/{key}": open_to_all(200),
    "GET /auth/available": open_to_all(200, query="?username={new}"),
    "POST /auth/register": open_to_all(
        201, json={"username": "{new}", "email": "{new}@example.com", "password": "long enough"}
    ),
    "POST /auth/login": open_to_all(401, json={"username": "{owner}", "password": "not the password"}),
    "POST /auth/oidc/{provider}": open_to_all(404, json={"idToken": "no.id.token", "nonce": "a-long-nonce"}),
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
    "POST /users/avatar": signed_in(200, form="avatar"),
    "DELETE /users/avatar": signed_in(200),
    "GET /users/{userId}": signed_in(200),
    "POST /users/{userId}/follow": Row(401, 422, 200, 200),
    "POST /users/{userId}/block": Row(401, 422, 204, 204),
    "DELETE /users/{userId}/block": signed_in(204),
    "GET /blocks": signed_in(200),
    "POST /users/{userId}/mute": Row(401, 422, 204, 204),
    "DELETE /users/{userId}/mute": signed_in(204),
    "GET /mutes": signed_in(200),
    "POST /users/{userId}/close-friend": Row(401, 422, 204, 204),
    "DELETE /users/{userId}/close-friend": signed_in(204),
    "GET /close-friends": signed_in(200),
    "POST /reports": Row(
        401, 422, 201, 201, json={"subjectType": "post", "subjectId": "{postId}", "reason": "spam"}
    ),
    "GET /moderation/reports": moderators(200),
    "POST /moderation/reports/{caseId}/claim": moderators(200),
    "POST /moderation/reports/{caseId}/resolve": moderators(200, json={"action": "dismiss"}),
    "GET /moderation/decisions": signed_in(200),
    "GET /moderation/decisions/{decisionId}": Row(401, 200, 404, 404),
    "GET /moderation/audit": moderators(200, query="?userId={userId}"),
    "DELETE /users/profile/followers/{userId}": signed_in(204),
    "GET /follow-requests": signed_in(200),
    "GET /follow-requests/sent": signed_in(200),
    "POST /follow-requests/{userId}": signed_in(404),
    "DELETE /follow-requests/{userId}": signed_in(404),
    "DELETE /users/{userId}/follow": signed_in(200),
    "GET /users/{userId}/followers": signed_in(200),
    "GET /users/{userId}/following": signed_in(200),
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
    "GET /posts": signed_in(200, query="?userId={userId}"),
    "GET /posts/{postId}": signed_in(200),
    "PUT /posts/{postId}": Row(401, 200, 403, 403, json={"caption": "The first light"}),
    "PATCH /posts/{postId}": Row(401, 200, 403, 403, json={"caption": "The first light"}),
    "DELETE /posts/{postId}": Row(401, 204, 403, 403),
    "POST /posts/{postId}/comments": signed_in(201, json={"content": "Well seen"}),
    "GET /posts/{postId}/comments": signed_in(200),
    "DELETE /posts/{postId}/comments/{commentId}": Row(401, 204, 403, 403),
    "POST /posts/{postId}/likes": signed_in(200),
    "DELETE /posts/{postId}/likes": signed_in(200),
    "GET /posts/{postId}/likes": signed_in(200),
    "GET /feed": signed_in(200),
    "GET /feed/explain": signed_in(200, query="?postId={postId}"),
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
    "GET /queues/{queue}/failed": administrators(200),
    "DELETE /queues/{queue}/failed": administrators(200, query="?all=true"),
    "POST /queues/{queue}/retry": administrators(200, json={"all": True}),
    "POST /queues/{queue}/pause": administrators(204),
    "POST /queues/{queue}/resume": administrators(204),
}


@dataclass(slots=True)
class Fixtures:
    """The users, and the objects of one cell."""

    people: dict[str, Person]
    count: int = 0
    names: dict[str, str] = field(default_factory=dict[str, str])

    async def fresh(self, wanted: str) -> dict[str, str]:
        """Create the objects that {names} in `wanted` need, owned by the owner; return the names' values."""
        self.count += 1
        owner = self.people[OWNER]
        values = {
            "owner": owner.username, "userId": owner.id, "new": f"new{self.count}", "queue": "feed",
            "provider": "acme",
            "asset": "swagger-ui.css",
        }  # fmt: skip
        if "{postId}" in wanted or "{key}" in wanted:
            post = await owner.publish(photos.small())
            values |= {"postId": post["id"], "key": post["images"][0]["url"].partition("/media/")[2]}
        if "{mediaId}" in wanted:
            form = photo_form(photos.small(), field="file")
            values["mediaId"] = (await owner.request("POST", "/media", data=form))["id"]
        if "{uploadId}" in wanted:
            begun = await owner.call("POST", "/uploads", headers=TUS | {"Upload-Length": "5"})
            values["uploadId"] = begun.headers["Media-Id"]
        if "{sessionId}" in wanted:
            sessions = await owner.list_all("/auth/sessions")
            values["sessionId"] = next(session["id"] for session in sessions if session["current"])
        if "{caseId}" in wanted:
            values["caseId"] = await self._reported_case(await owner.publish(photos.small()))
        if "{decisionId}" in wanted:
            values["decisionId"] = await self._decision()
        if "{commentId}" in wanted:
            values["commentId"] = (await owner.comment(values["postId"], "Mine"))["id"]
        return values

    async def _reported_case(self, post: dict[str, Any]) -> str:
        reporter = Person(self.people[OWNER].program, self.people[OWNER].session, f"reporter{self.count}")
        await reporter.register()
        report = {"subjectType": "post", "subjectId": post["id"], "reason": "spam"}
        await reporter.request("POST", "/reports", json=report)
        await sign_in(moderator := self.people[MODERATOR])
        cases = await moderator.list_all("/moderation/reports")
        return next(case["id"] for case in cases if case["subjectId"] == post["id"])

    async def _decision(self) -> str:
        """Warn the owner; return the id of the decision."""
        case_id = await self._reported_case(await self.people[OWNER].publish(photos.small()))
        path = f"/moderation/reports/{case_id}/resolve"
        return (await self.people[MODERATOR].request("POST", path, json={"action": "warn"}))["id"]


def test_every_route_has_a_row() -> None:
    assert set(TABLE) == names(app_routes())


def test_rows_and_routes_agree_on_public_routes() -> None:
    for route in app_routes():
        assert route.resource
        row = TABLE[f"{route.method} {route.resource.canonical}"]
        needs_token = row.anonymous == 401 and row.owner != 401  # a wrong password is a 401 for all
        assert needs_token is not is_open(route), route


@pytest.mark.timeout(120)
async def test_every_route_checks_access(
    program: Program, register: Register, new_program: NewProgram, session: ClientSession
) -> None:
    anonymous = Person(program, session, username="")
    owner, stranger, admin, moderator = await register(program, "ana", "ben", "cleo", "dan")
    assert (await new_program("role", "cleo", "admin").spawn().end()).code == 0
    assert (await new_program("role", "dan", "moderator").spawn().end()).code == 0
    people = {ANONYMOUS: anonymous, OWNER: owner, STRANGER: stranger, ADMIN: admin, MODERATOR: moderator}
    fixtures = Fixtures(people)
    failures = [
        f"{name} for {who}: {status}, not {expected}"
        for name, row in TABLE.items()
        for who, expected in row.cells()
        if (status := await status_of(fixtures, name, row, who)) != expected
    ]
    assert not failures, "\n".join(failures)


async def status_of(fixtures: Fixtures, name: str, row: Row, who: str) -> int:
    """Return the status for one client; the body is not read, because a stream does not end."""
    person = fixtures.people[who]
    for each in {fixtures.people[OWNER].username: fixtures.people[OWNER], person.username: person}.values():
        await sign_in(each)
    method, path = name.split(" ")
    fresh = await fixtures.fresh(f"{path} {row.query} {row.json}")
    sent: dict[str, Any] = {}
    if row.json is not None:
        sent["json"] = {member: fill_in(value, fresh) for member, value in row.json.items()}
    if row.form:
        sent["data"] = FormData()
        sent["data"].add_field(row.form, photos.small(), filename="photo.jpg", content_type="image/jpeg")
    headers = row.headers | ({"Authorization": f"Bearer {person.token}"} if person.token else {})
    url = person.program.url + (path + row.query).format_map(fresh)
    async with person.session.request(
        method, url, headers=headers, timeout=ClientTimeout(total=15), **sent
    ) as response:
        return response.status


def fill_in(value: Any, names: dict[str, str]) -> Any:
    return value.format_map(names) if isinstance(value, str) else value


async def sign_in(person: Person) -> None:
    """Start a session for this cell."""
    if person.username:
        body = {"username": person.username, "password": person.password}
        answer = await person.request("POST", "/auth/login", json=body, headers={"Authorization": ""})
        person.token = answer["accessToken"]
