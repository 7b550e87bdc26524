"""The dashboard shows what there is, all of it, and is what Grafana is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.metrics.catalogue import CATALOGUE
from tests.house.tree import ROOT
from tests.metrics.expressions import check_expression, promtool

FOLDER = ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "naikkelas.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
WIDTH = 24


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_panel_speaks_of_metrics_and_labels_that_there_are(expression: str) -> None:
    assert check_expression(expression.replace("[$__rate_interval]", "[5m]"))


def test_every_metric_is_shown() -> None:
    shown = set().union(*(check_expression(expression) for expression in EXPRESSIONS))
    assert [name for name, metric in CATALOGUE.items() if not shown & set(metric.series)] == []


def test_promtool_takes_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_have_names_and_numbers_of_their_own_and_do_not_lie_on_one_another() -> None:
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len({panel["title"] for panel in every}) == len(every)
    taken: set[tuple[int, int]] = set()
    for panel in every:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_asks_the_source_that_is_chosen_and_names_its_lines() -> None:
    assert DASHBOARD["templating"]["list"][0]["name"] == "datasource"
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["legendFormat"] for target in panel["targets"])


def test_what_compose_mounts_is_there_and_is_where_grafana_and_prometheus_look() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("prometheus", "grafana"):
        for volume in services[name]["volumes"]:
            if volume.startswith("./"):
                assert (ROOT / "deploy" / volume.partition(":")[0]).exists(), volume
    [provider] = yaml.safe_load((FOLDER / "provisioning/dashboards/naikkelas.yml").read_text(encoding="utf-8"))[
        "providers"
    ]
    assert any(f":{provider['options']['path']}/naikkelas.json:" in volume for volume in services["grafana"]["volumes"])
    [source] = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    assert "inside" in set(services["prometheus"]["networks"]) & set(services["grafana"]["networks"])
