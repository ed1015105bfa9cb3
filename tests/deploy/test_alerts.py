"""Alert rules, their tests, the runbook and the dashboard, compared with each other and with a server's metrics."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

from server.metrics import Metrics
from tests.support.programs import required_program
from tools.harness.backends import ROOT

PROMETHEUS = ROOT / "deploy/prometheus"
FROM_PROMETHEUS = {"up"}


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return group["rules"]


def dashboard_queries() -> list[str]:
    dashboard = json.loads((ROOT / "deploy/grafana/photofeed.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "5m").replace("$instance", ".*") for query in queries]


def selected_metrics(query: str) -> Iterator[str]:
    """Yield the metrics that a PromQL query reads. Raises an error if it is not valid."""
    promql_parser.parse(query)
    yield from re.findall(r"\b(up|(?:photofeed|process|python)_\w+)\b(?=[\[{ )=]|$)", query)


def exposed_series() -> set[str]:
    """Return the names of all series, also of metrics without samples yet."""
    names: set[str] = set()
    for family in text_string_to_metric_families(Metrics(of_process=True).render().decode()):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        names |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return names


def test_alert_rules_pass_their_tests() -> None:
    promtool = required_program("promtool")
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        ran = subprocess.run(
            [promtool, *command], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_prometheus_configuration_is_valid(tmp_path: Any) -> None:
    promtool = required_program("promtool")
    for name in ("prometheus.yml", "alerts.yml"):
        (tmp_path / name).write_text((PROMETHEUS / name).read_text())
    (tmp_path / "metrics_token").write_text("a token")
    ran = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_each_alert_fires_and_is_quiet_in_a_test() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    cases = [
        (case["alertname"], bool(case["exp_alerts"])) for test in tests for case in test["alert_rule_test"]
    ]
    expected = [(alert["alert"], fires) for alert in alerts() for fires in (True, False)]
    assert sorted(cases) == sorted(expected)


def test_each_alert_has_an_entry_in_the_runbook() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert headings == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
        assert alert["labels"]["severity"] in ("critical", "warning", "info")


def test_alerts_and_dashboard_read_metrics_that_exist() -> None:
    queries = [alert["expr"] for alert in alerts()] + dashboard_queries()
    read = {name for query in queries for name in selected_metrics(query)}
    assert len(read) > 30
    assert read - FROM_PROMETHEUS - exposed_series() == set()
