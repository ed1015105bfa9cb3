"""`Idempotency-Key`: a POST repeated under the same key gets the first response, and has no further effect.

A client that received no response cannot know whether its request took effect. A refused request had no effect and may
be repeated under its key. Keys are separate per user, or anonymous client, and route.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import orjson
from aiohttp import web

from server.errors import Conflict, InvalidInput, Unavailable
from server.handlers.http.client_ip import client_ip
from server.handlers.http.requests import BODY, PRINCIPAL, user_agent
from server.networks import networks_of
from server.services.jobs.idempotency import Idempotency, StoredResponse
from server.services.jobs.unit_of_work import IdempotencyToken

Result = TypeVar("Result")
Execute = Callable[[IdempotencyToken | None], Awaitable[Result]]
Reload = Callable[[int], Awaitable[Result]]
Render = Callable[[Result], Awaitable[web.Response]]

IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_REPLAYED = "Idempotency-Replayed"
KEY_PATTERN = re.compile(r"[\x20-\x7e]{1,255}")
STORED_HEADERS = ("Content-Type", "Location")
KEY_IN_USE_RETRY_S = 1.0


def canonical_json(request: web.Request) -> bytes:
    """Return the validated body as bytes that are the same for equal bodies."""
    return orjson.dumps(request[BODY], option=orjson.OPT_SORT_KEYS)


class IdempotentResponder:
    """Performs a request once per key, and repeats its response."""

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency
        self._in_progress: set[str] = set()

    async def respond(
        self,
        request: web.Request,
        content: bytes,
        *,
        execute: Execute[Result],
        reload: Reload[Result],
        render: Render[Result],
        stores_response: bool = True,
    ) -> web.Response:
        """Return the rendered result, or the response to the earlier request with the same key.

        content: The request's content in a canonical form; the path is added.
        execute: Performs the request, and records the token in the same transaction.
        reload: Returns by its id the result of an earlier request whose response is not stored.
        stores_response: False for a response with secrets.

        Raises InvalidInput for a malformed key or one that was used for other content, and Conflict while a request
        with the key is in progress.
        """
        key = _idempotency_key(request)
        if key is None:
            return await render(await execute(None))
        # A key belongs to a route. The path adds, for example, the post that a comment is for.
        content = request.path.encode() + b"\0" + content
        token = self._idempotency.token(_requester(request), _route(request), key, content)
        replay = await self._replay(token, reload, render)
        if replay is not None:
            return replay
        with self._exclusive(token):
            try:
                result = await execute(token)
            except Conflict:
                # Another process performed this request first: AlreadyDone, or the username is taken by it.
                replay = await self._replay(token, reload, render)
                if replay is None:
                    raise
                return replay
        response = await render(result)
        if stores_response:
            with suppress(Unavailable):  # the effect is committed, and `reload` finds it
                await self._idempotency.save(token, _stored(response))
        return response

    async def _replay(
        self, token: IdempotencyToken, reload: Reload[Result], render: Render[Result]
    ) -> web.Response | None:
        """Return the response to an earlier request that took effect, or None.

        The stored response is missing if it has secrets, or if the process was killed before it was stored.
        """
        done = await self._idempotency.find(token)
        if done is None:
            return None
        if done.response is None:
            response = await render(await reload(done.result_id))
        else:
            stored = done.response
            response = web.Response(status=stored.status, body=stored.body.encode(), headers=stored.headers)
        response.headers[IDEMPOTENCY_REPLAYED] = "true"
        return response

    @contextmanager
    def _exclusive(self, token: IdempotencyToken) -> Iterator[None]:
        if token.key_hash in self._in_progress:
            raise Conflict(
                "A request with this Idempotency-Key is in progress.",
                code="idempotency_key_in_use",
                retry_after_s=KEY_IN_USE_RETRY_S,
            )
        self._in_progress.add(token.key_hash)
        try:
            yield
        finally:
            self._in_progress.discard(token.key_hash)


def _idempotency_key(request: web.Request) -> str | None:
    values = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not values:
        return None
    if len(values) > 1 or not KEY_PATTERN.fullmatch(values[0]):
        raise InvalidInput(
            "The Idempotency-Key header is invalid.",
            fields={IDEMPOTENCY_KEY: ["Must occur once, with 1 to 255 printable ASCII characters."]},
        )
    return values[0]


def _requester(request: web.Request) -> str:
    """Return whose key it is: of a user, or of the clients of one network with one User-Agent.

    Without a user, two clients may choose the same key.
    """
    principal = request.get(PRINCIPAL)
    if principal is not None:
        return f"user {principal.user_id}"
    return f"client {networks_of(client_ip(request)).subscriber} {user_agent(request)}"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource else request.path}"


def _stored(response: web.Response) -> StoredResponse:
    body = response.body
    assert isinstance(body, bytes)
    headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
    return StoredResponse(response.status, headers, body.decode())
