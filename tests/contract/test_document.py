"""The OpenAPI document is valid and complete, and its page works."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from server.handlers.openapi.document import build
from tests.contract.routes import app_routes, names
from tests.e2e.conftest import NewProgram, Register
from tests.support.program import Program
from tools.harness.backends import ROOT

# The documentation page and its assets.
UNLISTED = {"GET /api", "GET /api/{asset}"}
ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
PRODUCTION = {
    "APP_ENV": "production",
    "ALLOW_EMBEDDED": "true",
    "JWT_SECRET": "a secret of production, long enough by far",
    "JWT_REFRESH_SECRET": "another secret of production, long enough too",
    "PUBLIC_URL": "https://photos.example.com",
    "METRICS_TOKEN": "a token of the tests",
    "TRUSTED_PROXIES": "none",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build(app_routes())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_version_equals_that_of_the_project(document: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert document["info"]["version"] == project["version"]


def test_document_names_every_route(document: dict[str, Any]) -> None:
    described = {name for name, _ in operations(document)}
    assert described == names(app_routes()) - UNLISTED


def test_patch_does_the_same_as_put(document: dict[str, Any]) -> None:
    by_name = dict(operations(document))
    puts = {name: operation for name, operation in by_name.items() if name.startswith("PUT ")}
    assert puts
    for name, put in puts.items():
        patch = by_name[name.replace("PUT ", "PATCH ")]
        assert patch == {**put, "operationId": f"{put['operationId']}WithPatch"}


def test_operations_have_unique_ids_and_described_tags(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for name, operation in operations(document):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation["operationId"]), name
        assert set(operation["tags"]) <= described, name
        assert operation["summary"], name
    assert {tag for _, operation in operations(document) for tag in operation["tags"]} == described


def test_successful_responses_declare_their_content(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        successes = {status: answer for status, answer in operation["responses"].items() if status < "300"}
        assert successes, f"{name} never succeeds"
        for status, answer in successes.items():
            if status != "202":  # with or without
                assert ("content" in answer) == (status != "204"), f"{name} {status}"


def test_request_bodies_forbid_unknown_members(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            body = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            assert body["additionalProperties"] is False, name


def test_only_public_routes_need_no_token(document: dict[str, Any]) -> None:
    public = {name for name, operation in operations(document) if operation.get("security") == []}
    assert all(
        "401" in operation["responses"] for name, operation in operations(document) if name not in public
    )
    assert "POST /auth/login" in public
    assert "GET /feed" not in public


@ON_EMBEDDED
async def test_document_is_not_sent_again_to_a_client_with_its_etag(
    program: Program, register: Register
) -> None:
    (ana,) = await register(program, "ana")
    first = await ana.call("GET", "/api/openapi.json")
    assert first.status == 200
    assert first.headers["Content-Type"].startswith("application/json")
    validate(first.json)
    again = await ana.call(
        "GET", "/api/openapi.json", headers={"If-None-Match": f'"another", {first.headers["ETag"]}'}
    )
    assert (again.status, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await ana.call("GET", "/api/openapi.json", headers={"If-None-Match": '"another"'})
    assert other.status == 200


@ON_EMBEDDED
async def test_page_loads_only_its_own_assets(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    page = await ana.call("GET", "/api")
    text = page.content.decode()
    policy = page.headers["Content-Security-Policy"]
    assert page.status == 200
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    named = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert {"api/swagger-ui.css", "api/swagger-ui-bundle.js", "api/start.js"} <= set(named)
    types = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    for address in named:
        answer = await ana.call("GET", f"/{address}")
        assert answer.status == 200, address
        assert answer.headers["Content-Type"].startswith(types[address.rpartition(".")[2]]), address
    assert '"api/openapi.json"' in (await ana.call("GET", "/api/start.js")).content.decode()
    for missing in ("/api/index.html", "/api/..%2f__init__.py", "/api/nothing.js"):
        assert (await ana.call("GET", missing)).status == 404, missing


@ON_EMBEDDED
@pytest.mark.parametrize(("enabled", "status"), [(None, 404), ("true", 200)])
async def test_production_shows_the_document_only_if_enabled(
    new_program: NewProgram, register: Register, enabled: str | None, status: int
) -> None:
    program = await new_program("--port=0", **PRODUCTION, API_DOCS=enabled).start()
    (ana,) = await register(program, "ana")
    for path in ("/api", "/api/openapi.json", "/api/start.js"):
        assert (await ana.call("GET", path)).status == status, path
