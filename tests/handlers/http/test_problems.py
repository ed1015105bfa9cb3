"""A problem can quote any input."""

import orjson
from aiohttp import web

from server.errors import InvalidInput
from server.handlers.http.problems import PROBLEM_JSON, problem


def test_problem_replaces_lone_surrogates() -> None:
    error = InvalidInput("Not \udcff.", fields={"\udcff": ["Unknown field."]})
    answer: web.Response = problem(error, "/\udcff")
    assert (answer.status, answer.content_type) == (422, PROBLEM_JSON)
    assert isinstance(answer.body, bytes)
    body = orjson.loads(answer.body)
    assert (body["instance"], body["detail"]) == ("/?", "Not ?.")
    assert body["errors"] == {"?": ["Unknown field."]}
