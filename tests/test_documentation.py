"""The documentation names the settings, variables, metrics, routes and log events that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from server.configuration.environment import SECRET_KEYS, SHARED_VARIABLES, VARIABLES
from server.metrics import Metrics
from server.settings import RateLimit, Settings
from tests.contract.routes import app_routes

ROOT = Path(__file__).parent.parent


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def names_in_column(text: str, column: int) -> list[str]:
    """Return the text in backticks in a column of the tables in `text`, without header rows."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[column])]


def settings_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not RateLimit:
            yield from settings_keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_environment_variable_is_documented() -> None:
    variables = names_in_column(section(page("configuration"), "Environment variables"), 0)
    assert sorted(variables) == sorted({**VARIABLES, **SHARED_VARIABLES})


def test_documented_keys_of_variables_are_right() -> None:
    documented = re.findall(
        r"^\| `(\w+)` \| `([\w.]+)` \|", section(page("configuration"), "Environment variables"), re.MULTILINE
    )
    expected = {(name, key) for name, key in VARIABLES.items() if key not in SECRET_KEYS}
    assert set(documented) == expected


def test_every_other_setting_is_documented() -> None:
    text = section(page("configuration"), "Settings without an environment variable")
    documented = {name.rpartition(".")[2] for name in names_in_column(text, 0)} - {"config.toml"}
    keys = set(settings_keys())
    with_variable = {*VARIABLES.values(), *(key for some in SHARED_VARIABLES.values() for key in some)}
    assert {key for key in keys - with_variable if key.rpartition(".")[2] not in documented} == set()
    assert documented <= {key.rpartition(".")[2] for key in keys}


def test_every_metric_is_documented() -> None:
    exposed = re.findall(r"^# TYPE (photofeed_\w+) ", Metrics().render().decode(), re.MULTILINE)
    documented = names_in_column(section(page("operations"), "Metrics"), 0)
    assert sorted(documented) == sorted(name for name in exposed if not name.endswith("_created"))


def test_every_route_is_documented() -> None:
    text, paths = page("api"), {route.resource.canonical for route in app_routes() if route.resource}
    public = {path for path in paths if not path.startswith("/api/")}
    assert {
        path for path in public if path not in text and f"`/{path.rpartition('/')[2]}`" not in text
    } == set()


def test_documented_log_events_exist() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "server").rglob("*.py")))
    events = [name for name in names_in_column(section(page("operations"), "Logs"), 0) if "<" not in name]
    assert events
    assert [name for name in events if f'"{name}"' not in source] == []


def test_files_in_the_contributing_guide_exist() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    table = names_in_column(section(guide, "Where things go"), 1)
    paths = [name for name in table if "/" in name or "." in name]
    folders = (ROOT, ROOT / "server", ROOT / "server/models/accounts")
    assert [path for path in paths if not any((folder / path).exists() for folder in folders)] == []
