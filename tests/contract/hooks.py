"""What schemathesis has to know of this API and a schema cannot say; schemathesis itself imports this.

Who asks, real ids beside made-up ones, texts in forms that a pattern cannot express, and pictures that are some.
"""

import itertools
import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import AuthContext, Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import IgnoredAuth, RejectedPositiveData, UseAfterFree
from schemathesis.transport.serialization import Binary

from server.ids import MAX_ID
from server.paging import encode_cursor
from tests.support import photos

# From the test: where the program is, who asks, and ids of what there is, by path parameter. Somebody else's post
# cannot be deleted by the one who asks.
URL = os.environ["CONTRACT_URL"]
USERNAME = os.environ["CONTRACT_USERNAME"]
USER_PASSWORD = os.environ["CONTRACT_PASSWORD"]
TOKEN = os.environ["CONTRACT_TOKEN"]
OWN_SESSION = os.environ["CONTRACT_SESSION"]
LASTING_POST = os.environ["CONTRACT_LASTING_POST"]
LINK_TOKEN = os.environ["CONTRACT_LINK_TOKEN"]
NOTIFICATION = os.environ["CONTRACT_NOTIFICATION"]
KNOWN: dict[str, list[str]] = json.loads(os.environ["CONTRACT_KNOWN"])
# After these the token is worth nothing: somebody who is there only for this asks.
ENDINGS = {"logout", "changePassword"}
PASSWORD = "a password of the contract"
MAX_PASSWORD_BYTES = 72

schemathesis.openapi.format("cursor", st.integers(0, MAX_ID).map(encode_cursor))
schemathesis.openapi.format("binary", st.sampled_from([photos.small()]).map(Binary))
schemathesis.openapi.format(
    "password",
    st.text(
        st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=8, max_size=72
    ).filter(lambda text: len(text.encode()) <= MAX_PASSWORD_BYTES),
)


@schemathesis.auth(refresh_interval=None)
class AccessToken:
    def get(self, case: Case, _: AuthContext) -> str:
        ends = operation_of(case) in ENDINGS or OWN_SESSION in (case.path_parameters or {}).values()
        return newcomer()["accessToken"] if ends else TOKEN

    def set(self, case: Case, data: str, _: AuthContext) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def map_path_parameters(
    context: HookContext, path_parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Three of four ids that could be right are of something that is there, unless it would be gone after that."""
    assert context.operation is not None
    if context.operation.definition.raw["operationId"] in OWN_THINGS:
        return path_parameters
    return {name: known(name, value) for name, value in (path_parameters or {}).items()}


@schemathesis.hook
def map_case(_: HookContext, case: Case) -> Case:
    """Bring into bounds what the document says in words, because a schema cannot."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    if "Idempotency-Key" in (case.headers or {}):  # each is for one request
        case.headers["Idempotency-Key"] = secrets.token_urlsafe(16)
    if (
        isinstance(case.body, dict) and "altTexts" in case.body
    ):  # at most one for each image; what is there has one
        images = len(case.body.get("images", ["one"]))
        case.body["altTexts"] = case.body["altTexts"][:images]
    if change := CHANGES.get(operation_of(case)):
        change(case)
    # The other phases are about the ids themselves: which are still one, and what an earlier answer told of.
    if case.meta.phase.name is TestPhase.FUZZING and (own := OWN_THINGS.get(operation_of(case))):
        case.path_parameters = own()
    return case


def _one_of_two(case: Case) -> None:
    """`ids` or `all`: each may be left out, but not both, and they do not go together."""
    query = dict(case.query or {}) or {"all": "true"}
    case.query = dict([next(iter(query.items()))])


def _right_password(case: Case) -> None:
    case.body["oldPassword"] = PASSWORD


def _real_account(case: Case) -> None:
    case.body |= {"username": newcomer()["user"]["username"], "password": PASSWORD}


def _real_token(case: Case) -> None:
    case.body["refreshToken"] = newcomer()["refreshToken"]


def _real_link(case: Case) -> None:
    case.query = {"token": LINK_TOKEN}


def _real_notification(case: Case) -> None:
    if "upTo" in case.body:
        case.body["upTo"] = NOTIFICATION


CHANGES: dict[str, Callable[[Case], None]] = {
    "askToUnsubscribe": _real_link,
    "unsubscribe": _real_link,
    "readNotifications": _real_notification,
    "discardFailedJobs": _one_of_two,
    "changePassword": _right_password,
    "login": _real_account,
    "refreshTokens": _real_token,
}


def _own_post() -> dict[str, str]:
    picture = {"images": ("photo.jpg", photos.small(), "image/jpeg")}
    return {"postId": _made("/posts", files=picture)["id"]}


def _own_comment() -> dict[str, str]:
    comment = _made(f"/posts/{LASTING_POST}/comments", json={"content": "Not for long"})
    return {"postId": LASTING_POST, "commentId": comment["id"]}


def _own_session() -> dict[str, str]:
    signed_in = _made("/auth/login", json={"username": USERNAME, "password": USER_PASSWORD})
    sessions = _asked("GET", "/auth/sessions", token=signed_in["accessToken"])["items"]
    return {"sessionId": next(session["id"] for session in sessions if session["current"])}


def _next_picture() -> dict[str, str]:
    return {"key": next(PICTURES)}


# What an operation uses up is made for each of its cases: of something shared, later cases would find nothing. An edit
# needs a post of one's own, and no made-up key is ever one of a picture.
OWN_THINGS: dict[str, Callable[[], dict[str, str]]] = {
    "deletePost": _own_post,
    "deleteComment": _own_comment,
    "revokeSession": _own_session,
    "editPost": _own_post,
    "getPicture": _next_picture,
}
PICTURES = itertools.cycle(KNOWN["key"])


@schemathesis.hook
def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop four that are no failures.

    The token that resets a password comes by mail: a made-up one is refused, though its form is right. The likes of a
    post are a list, which is there, and empty, when one's own like was deleted. And a form holds texts and files, in
    parts that are there or not: a member of another type, or an empty list, never leaves for us. And a ticket that it
    takes for made up is one that an earlier answer gave, as the token that it leaves out for it was.
    """
    if isinstance(failure, IgnoredAuth):
        return operation_of(case) != "streamNotifications"
    if isinstance(failure, RejectedPositiveData):
        return b'"invalid_reset_token"' not in response.content
    if isinstance(failure, UseAfterFree):
        return not str(case.path).endswith("/likes")
    if isinstance(failure, AcceptedNegativeData) and case.media_type == "multipart/form-data":
        return not _looks_right(FORMS[operation_of(case)], response)
    return True


# The fields of the forms, of which the first is required, and how often each may be there.
FORMS: dict[str, dict[bytes, int]] = {
    "publishPost": {b"images": 10, b"altTexts": 10, b"caption": 1},
    "changeAvatar": {b"avatar": 1},
}
FIELD = re.compile(rb'form-data; name="([^"]*)"')


def _looks_right(form: dict[bytes, int], response: Response) -> bool:
    """Whether the form that was sent has nothing but its own fields, none too often, and the required one."""
    sent = response.request.body
    found = Counter(FIELD.findall(sent if isinstance(sent, bytes) else str(sent or "").encode()))
    required = next(iter(form))
    return found[required] > 0 and all(count <= form.get(name, 0) for name, count in found.items())


def operation_of(case: Case) -> str:
    declared: str = case.operation.definition.raw["operationId"]
    return declared


def known(name: str, value: Any) -> Any:
    ids = KNOWN.get(name)
    if (
        not ids
        or not isinstance(value, str)
        or not value.isascii()
        or not value.isdigit()
        or int(value) % 4 == 3
    ):
        return value
    return ids[int(value) // 4 % len(ids)]


def newcomer() -> dict[str, Any]:
    """Somebody who has just registered."""
    name = f"n{secrets.token_hex(8)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return _asked("POST", "/auth/register", json=body)


def _made(path: str, **sent: Any) -> dict[str, Any]:
    return _asked("POST", path, token=TOKEN, **sent)


def _asked(method: str, path: str, token: str = "", **sent: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.request(method, f"{URL}{path}", headers=headers, timeout=10, **sent)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told
