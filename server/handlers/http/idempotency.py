"""`Idempotency-Key`: a POST that is sent again under the same key is answered as before, and changes nothing.

A client that was not answered in time cannot know whether it was heard. What was refused took no effect, and may be
tried again under its key. The keys of one person are nobody else's.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import orjson
from aiohttp import web
from aiohttp_apispec import docs

from server.errors import Conflict, InvalidInput, Unavailable
from server.handlers.http.requests import BODY, PRINCIPAL, AnyHandler
from server.handlers.schemas import ProblemSchema
from server.services.jobs.idempotency import Answer, Done, Idempotency
from server.services.jobs.unit_of_work import IdempotencyToken

Made = TypeVar("Made")

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_FORM = re.compile(r"[\x20-\x7e]{1,255}")
KEPT_HEADERS = ("Content-Type", "Location")
ASK_AGAIN_S = 1.0
PARAMETER = {
    "in": "header",
    "name": KEY,
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "Chosen by the client, as a UUID. Sent again within a day, the request is answered as before.",
}


def idempotent(handler: AnyHandler) -> AnyHandler:
    """Declare that a handler heeds the key, for the API's description. Stands above its `response_schema`s."""
    docs(parameters=[PARAMETER])(handler)
    in_use = {"schema": ProblemSchema(), "description": "A request with this Idempotency-Key is under way"}
    handler.__apispec__["responses"].setdefault("409", in_use)  # pyright: ignore[reportFunctionMemberAccess]
    return handler


def json_content(request: web.Request) -> bytes:
    """The body of a request, as its schema read it, in a form in which equal bodies are the same bytes."""
    return orjson.dumps(request[BODY], option=orjson.OPT_SORT_KEYS)


class IdempotentResponder:
    """Answers requests that may have been sent before."""

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency
        self._under_way: set[str] = set()

    async def answer(
        self,
        request: web.Request,
        content: bytes,
        *,
        do: Callable[[IdempotencyToken | None], Awaitable[Made]],
        again: Callable[[int], Awaitable[Made]],
        render: Callable[[Made], Awaitable[web.Response]],
        secret: bool = False,
    ) -> web.Response:
        """The rendered answer to what `do` makes, or the one that was given before.

        `again` finds, by its id, what was made by a request whose answer is not known: the process was killed, or the
        answer is `secret` and must not be kept. Raises InvalidInput for a key that is malformed or was used for another
        request, and Conflict for one that is in use at this moment.
        """
        key = _key(request)
        if key is None:
            return await render(await do(None))
        once = self._idempotency.once(_who(request), _route(request), key, _whole(request, content))
        done = await self._idempotency.find(once)
        if done is not None:
            return await self._replay(done, again, render)
        if once.key_hash in self._under_way:
            raise Conflict(
                "A request with this Idempotency-Key is being carried out at this moment.",
                code="idempotency_key_in_use",
                retry_after_s=ASK_AGAIN_S,
            )
        self._under_way.add(once.key_hash)
        try:
            made = await do(once)
        except Conflict:
            # Another process was faster: AlreadyDone, or a name that is taken, by this very request.
            done = await self._idempotency.find(once)
            if done is None:
                raise
            return await self._replay(done, again, render)
        finally:
            self._under_way.discard(once.key_hash)
        response = await render(made)
        if not secret:
            with suppress(Unavailable):  # the effect is committed, and can be found by its id
                await self._idempotency.keep(once, _answer(response))
        return response

    async def _replay(
        self,
        done: Done,
        again: Callable[[int], Awaitable[Made]],
        render: Callable[[Made], Awaitable[web.Response]],
    ) -> web.Response:
        if done.answer is not None:
            kept = done.answer
            response = web.Response(status=kept.status, body=kept.body.encode(), headers=kept.headers)
        else:
            response = await render(await again(done.result_id))
        response.headers[REPLAYED] = "true"
        return response


def _key(request: web.Request) -> str | None:
    values = request.headers.getall(KEY, [])
    if not values:
        return None
    if len(values) > 1 or not KEY_FORM.fullmatch(values[0]):
        raise InvalidInput(
            "The Idempotency-Key cannot be accepted.",
            fields={KEY: ["Once, 1 to 255 printable ASCII characters."]},
        )
    return values[0]


def _who(request: web.Request) -> str:
    principal = request.get(PRINCIPAL)
    return f"user {principal.user_id}" if principal else "anybody"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource else request.path}"


def _whole(request: web.Request, content: bytes) -> bytes:
    """The key belongs to the route; which post of it a comment is for is a part of what was asked."""
    return request.path.encode() + b"\0" + content


def _answer(response: web.Response) -> Answer:
    body = response.body
    assert isinstance(body, bytes)
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return Answer(response.status, headers, body.decode())
