"""`/healthz` and `/readyz`: is the process alive, and can each part do its work?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp_apispec import docs, response_schema
from marshmallow import Schema, fields, validate

from server.errors import AppError
from server.handlers import serializers
from server.handlers.http.middleware import InFlight
from server.handlers.http.rate_limiting import not_rate_limited
from server.handlers.http.requests import public
from server.handlers.schemas import Count

CHECK_TIMEOUT_S = 2.0

Check = Callable[[], Awaitable[str]]


class AliveSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["ok"]))


class ReadySchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["ok", "leaving", "unavailable"]))
    parts = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "`ok`, or what is wrong, by the part's name."},
    )
    restarts = fields.Dict(
        keys=fields.String(),
        values=Count(),
        required=True,
        metadata={"description": "How often each long-lived task was started again."},
    )


class HealthRoutes:
    """`checks`: for each part by name, what says `ok` or what is wrong; an exception is a wrong as well.

    `restarts`: how often each long-lived task has crashed and was started again.
    """

    def __init__(
        self,
        in_flight: InFlight,
        checks: Mapping[str, Check],
        restarts: Callable[[], Mapping[str, int]] = dict[str, int],
    ) -> None:
        self._in_flight = in_flight
        self._checks = checks
        self._restarts = restarts

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self.alive), web.get("/readyz", self.ready)]

    @docs(tags=["health"], operationId="checkLiveness", summary="Is the process alive?")
    @response_schema(AliveSchema, 200, description="It is")
    @public
    @not_rate_limited
    async def alive(self, _: web.Request) -> web.Response:
        return serializers.json_response({"status": "ok"})

    @docs(
        tags=["health"],
        operationId="checkReadiness",
        summary="Can the process take requests? Each part by name",
    )
    @response_schema(ReadySchema, 200, description="It can")
    @response_schema(ReadySchema, 503, description="It cannot: a part does not answer, or it is about to end")
    @public
    @not_rate_limited
    async def ready(self, _: web.Request) -> web.Response:
        names = list(self._checks)
        answers = await asyncio.gather(*(_ask(self._checks[name]) for name in names))
        parts = dict(zip(names, answers, strict=True))
        well = not self._in_flight.leaving and all(answer == "ok" for answer in answers)
        status = "ok" if well else "leaving" if self._in_flight.leaving else "unavailable"
        headers = None if well else {"Retry-After": "1"}
        body = {"status": status, "parts": parts, "restarts": self._restarts()}
        return serializers.json_response(body, 200 if well else 503, headers)


async def _ask(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except AppError as error:
        return error.reason
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is the answer to the question
        return f"no answer: {type(error).__name__}"  # its text has the part's address, and anybody may ask
