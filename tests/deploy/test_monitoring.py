"""The dashboard and the alerts: they ask for what the processes tell, and someone is told what to do."""

import json
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.deploy.support import DEPLOY, ROOT, load, metric_names, metrics_in, strings_in

DASHBOARD = json.loads((DEPLOY / "dashboards" / "duijie.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = [rule for group in load(DEPLOY / "alerts.yml")["groups"] for rule in group["rules"]]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
GUIDE = ROOT / "docs" / "guides" / "operate.md"

TARGET_LABELS = {"process", "instance", "job", "le"}  # what Prometheus knows of whom it asked, and of a bucket
DEFAULTS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}


def labels_of(metric: str) -> set[str]:
    collector: Any = REGISTRY._names_to_collectors[re.sub(r"_(bucket|sum|count)$", "", metric)]
    return set(collector._labelnames)


def parentheses_match(expression: str) -> bool:
    open_ = []
    for letter in re.sub(r'"[^"]*"', "", expression):
        if letter in "([{":
            open_.append({"(": ")", "[": "]", "{": "}"}[letter])
        elif letter in ")]}" and (not open_ or open_.pop() != letter):
            return False
    return not open_


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_it_asks_for_metrics_and_labels_that_there_are(expression: str) -> None:
    assert parentheses_match(expression)
    metrics = metrics_in(expression)
    assert metrics <= metric_names()
    assert metrics or any(name in expression for name in DEFAULTS)
    known = TARGET_LABELS.union(*(labels_of(name) for name in metrics))
    grouped = {label for text in re.findall(r"\bby \(([^)]*)\)", expression) for label in text.split(", ")}
    matched = set(re.findall(r"(\w+)(?:=~|!=|!~|=)\"", expression))
    assert grouped | matched <= known


def test_the_same_look_finds_a_metric_that_nobody_tells() -> None:
    with pytest.raises(AssertionError):
        test_it_asks_for_metrics_and_labels_that_there_are("sum(duijie_events_lost_total)")
    with pytest.raises(AssertionError):
        test_it_asks_for_metrics_and_labels_that_there_are("sum by (listing_id) (duijie_outbox_events)")


def test_every_panel_has_its_place_and_a_unit() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert all(panel["fieldConfig"]["defaults"]["unit"] and panel["targets"] for panel in PANELS)


def test_every_panel_asks_the_provisioned_prometheus() -> None:
    source = load(DEPLOY / "grafana" / "datasource.yml")["datasources"][0]
    asked = {(each["type"], each["uid"]) for panel in PANELS for each in [panel["datasource"], *_sources(panel)]}
    assert asked == {(source["type"], source["uid"])}


def _sources(panel: dict[str, Any]) -> list[dict[str, str]]:
    return [target["datasource"] for target in panel["targets"]]


def test_grafana_looks_where_compose_puts_the_dashboard() -> None:
    path = load(DEPLOY / "grafana" / "dashboards.yml")["providers"][0]["options"]["path"]
    assert f"./dashboards:{path}:ro" in load(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_what_is_wrong_and_the_guide_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["alert"] in GUIDE.read_text(encoding="utf-8")
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert re.search(rf"by \([^)]*\b{label}\b", rule["expr"]) or " by " not in rule["expr"]


def test_prometheus_reads_the_rules() -> None:
    prometheus = load(DEPLOY / "prometheus.yml")
    assert prometheus["rule_files"] == ["alerts.yml"]
    assert any("alerts.yml" in text for text in strings_in(load(DEPLOY / "compose.yaml")["services"]["prometheus"]))
