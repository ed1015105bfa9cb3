"""The document has the code of every error that the API can answer, and no others."""

import ast
from collections.abc import Iterator
from typing import Any

from server.errors import AppError
from server.handlers.http import problems
from server.handlers.openapi.document import build
from server.handlers.openapi.error_codes import ERROR_CODES, GENERAL_CODES, all_codes
from server.services.accounts.email_tokens import EmailTokenPurpose, invalid_email_token
from tests.contract.routes import app_routes
from tools.harness.backends import ROOT

# Of background jobs and commands, which no client sees.
INTERNAL = {
    "configuration", "email_busy", "email_failed", "email_refused", "error", "invalid_archive", "lease_lost",
    "push_failed", "push_sign_in_failed", "unknown_kind", "wrong_media_store",
}  # fmt: skip


def test_table_has_the_codes_of_all_errors() -> None:
    raised = set(codes_in_code()) - INTERNAL
    raised |= {invalid_email_token(purpose).code for purpose in EmailTokenPurpose}
    raised |= {*problems.CODES.values(), "http_error", "malformed_request", "internal_error"}
    listed = set(all_codes())
    assert raised == listed, (
        "Add the code to ERROR_CODES in server/handlers/openapi/error_codes.py, and to `codes` of its operations: "
        f"missing {sorted(raised - listed)}, obsolete {sorted(listed - raised)}"
    )


def test_statuses_of_the_table_are_those_of_the_classes() -> None:
    for kind in AppError.__subclasses__():
        if kind.code not in INTERNAL and kind.__module__ == AppError.__module__:
            status = next(problems.STATUSES[each] for each in kind.__mro__ if each in problems.STATUSES)
            assert kind.code in ERROR_CODES[status], kind


def test_each_problem_lists_its_codes() -> None:
    document = build(app_routes())
    components = document["components"]
    assert components["schemas"]["ErrorCode"]["enum"] == all_codes()
    used: set[str] = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                resolved = resolve(components, response)
                content = resolved.get("content", {}).get(problems.PROBLEM_JSON)
                if content is None:
                    continue
                examples = {name: resolve(components, each) for name, each in content["examples"].items()}
                assert examples, f"name the codes of {status} in `codes` of {method} {path}"
                for code, example in examples.items():
                    assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))
                used |= examples.keys()
    # These belong to no operation or to any, or are the kinds of more specific ones.
    general = {
        "no_such_route",
        "method_not_allowed",
        "http_error",
        "internal_error",
        "conflict",
        "request_timeout",
    }
    unused = set(all_codes()) - used - general - {code for codes in GENERAL_CODES.values() for code in codes}
    assert not unused, f"no operation declares {sorted(unused)} in its `codes`"


def resolve(components: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: dict[str, Any] = components[kind][name]
    return found


def codes_in_code() -> Iterator[str]:
    """Yield the values of `code=` in calls, and of the attribute `code` of classes."""
    for file in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "code":
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                    yield node.value.value
            elif isinstance(node, ast.ClassDef):
                yield from attributes_named_code(node)


def attributes_named_code(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        if (
            isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Constant)
            and any(isinstance(target, ast.Name) and target.id == "code" for target in statement.targets)
        ):
            yield str(statement.value.value)
