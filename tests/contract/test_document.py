"""The OpenAPI documents are valid and complete, and their page works."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from server.handlers.openapi.document import Readers, build
from server.handlers.openapi.examples import BODIES, EXAMPLE_ID
from tests.contract.routes import app_routes, names
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Program
from tools.harness.backends import ROOT

# Pages, and what belongs to them.
UNLISTED = {
    "GET /app/{screen}", "GET /admin", "GET /admin/{page}", "GET /sign-in", "GET /sign-up", "GET /forgot-password",
    "GET /reset-password", "GET /verify-email", "GET /recover-account", "GET /appeal", "GET /export",
    "GET /service-worker.js", "GET /web/{version}/{path}", "GET /sdk/{path}", "GET /dev/outbox",
    "GET /dev/outbox/{name}",
    "GET /", "GET /api", "GET /api/{asset}", "GET /p/{postId}", "GET /@{username}", "GET /@{username}/feed.atom",
    "GET /robots.txt",
}  # fmt: skip
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


@pytest.fixture(scope="module", params=list(Readers), ids=lambda readers: readers.value)
def published(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the document for these readers."""
    return build(app_routes(), request.param)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_document_is_valid_openapi_3_1(published: dict[str, Any]) -> None:
    assert published["openapi"].startswith("3.1")
    validate(published)


def test_documents_share_no_operation(document: dict[str, Any]) -> None:
    apps, staff = ({name for name, _ in operations(build(app_routes(), readers))} for readers in Readers)
    assert not apps & staff
    assert apps | staff == {name for name, _ in operations(document)}
    assert {"GET /queues", "GET /moderation/reports", "GET /healthz"} <= staff
    assert {"POST /reports", "POST /moderation/appeals", "GET /config"} <= apps


def test_everything_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    missing = [name for name, operation in operations(document) if not operation.get("description")]
    for name, operation in operations(document):
        parameters = operation.get("parameters", [])
        missing += [f"{name}: {each['name']}" for each in parameters if not each.get("description")]
    for name, schema in schemas.items():
        for member, described in schema.get("properties", {}).items():
            target = schemas[described["$ref"].rpartition("/")[2]] if "$ref" in described else {}
            if not (described.get("description") or target.get("description")):
                missing.append(f"{name}.{member}")
    assert not missing, f"describe them in their schemas, or in handlers/openapi/members.py: {missing}"


def test_strings_have_no_pattern_that_only_excludes_characters(document: dict[str, Any]) -> None:
    assert "\\x00" not in orjson.dumps(document).decode()


def test_examples_of_bodies_are_complete(document: dict[str, Any]) -> None:
    components = document["components"]
    bodies = {
        content["schema"]["$ref"].rpartition("/")[2]: content["example"]
        for _, operation in operations(document)
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if media_type == "application/json"
    }
    assert bodies == BODIES
    for name, example in bodies.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).validate(example)


def test_members_are_not_named_like_their_schema(document: dict[str, Any]) -> None:
    """Python clients would name a variable like the class."""
    for name, schema in document["components"]["schemas"].items():
        assert name.lower() not in {member.lower() for member in schema.get("properties", {})}, name


def test_enumerations_say_that_they_grow(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = {name: schema for name, schema in schemas.items() if "enum" in schema}
    assert {"ErrorCode", "NotificationType", "Audience"} <= named.keys()
    for name, schema in named.items():
        assert "More values may be added" in schema["description"], name
        assert schema["x-extensible-enum"] == schema["enum"], name


def test_stream_events_lead_to_their_data(document: dict[str, Any]) -> None:
    data = document["components"]["schemas"]["StreamEvent"]["properties"]["data"]
    assert {"$ref": "#/components/schemas/Notification"} in data["contentSchema"]["anyOf"]


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
async def test_examples_exist_if_there_are_sample_data(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    assert parameter(await ana.request("GET", "/api/openapi.json"), "postId")["example"] == EXAMPLE_ID
    post = await ben.publish(photos.small())
    comment = await ana.comment(post["id"], "Well seen")
    document = await ana.request("GET", "/api/openapi.json")
    assert parameter(document, "postId")["example"] == post["id"]
    assert parameter(document, "commentId")["example"] == comment["id"]
    assert document["servers"][0]["url"] == program.url


def parameter(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the first parameter with this name."""
    return next(
        each
        for _, operation in operations(document)
        for each in operation.get("parameters", [])
        if each["name"] == name
    )


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
    script = (await ana.call("GET", "/api/start.js")).content.decode()
    for part in ('"api/openapi.json"', '"api/openapi-staff.json"', "persistAuthorization: true"):
        assert part in script
    for missing in ("/api/index.html", "/api/..%2f__init__.py", "/api/nothing.js"):
        assert (await ana.call("GET", missing)).status == 404, missing


@ON_EMBEDDED
@pytest.mark.parametrize(("enabled", "status"), [(None, 404), ("true", 200)])
async def test_production_shows_the_document_only_if_enabled(
    new_program: NewProgram, register: Register, enabled: str | None, status: int
) -> None:
    program = await new_program("--port=0", **PRODUCTION, API_DOCS=enabled).start()
    (ana,) = await register(program, "ana")
    for path in ("/api", "/api/openapi.json", "/api/openapi-staff.json", "/api/start.js"):
        assert (await ana.call("GET", path)).status == status, path
