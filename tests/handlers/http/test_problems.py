"""A problem can quote whatever was sent."""

import orjson
from aiohttp import web

from server.errors import InvalidInput
from server.handlers.http.problems import PROBLEM_JSON, problem


def test_a_problem_bears_what_is_not_text() -> None:
    error = InvalidInput("Not \udcff.", fields={"\udcff": ["Not a field of this form."]})
    answer: web.Response = problem(error, "/\udcff")
    assert (answer.status, answer.content_type) == (422, PROBLEM_JSON)
    assert isinstance(answer.body, bytes)
    told = orjson.loads(answer.body)
    assert (told["instance"], told["detail"]) == ("/?", "Not ?.")
    assert told["errors"] == {"?": ["Not a field of this form."]}
