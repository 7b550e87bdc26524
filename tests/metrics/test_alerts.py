"""Alert rules and the scraper's configuration speak of what there is, and each rule is raised when it must be, and only then."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.stack.services import PROCESSES
from tests.house.tree import ROOT
from tests.metrics.expressions import check_expression, promtool

FOLDER = ROOT / "deploy" / "prometheus"


def _load(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in _load("alerts.yml")["groups"] for rule in group["rules"]
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_speaks_of_metrics_and_labels_that_there_are(name: str) -> None:
    assert check_expression(RULES[name]["expr"])


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_says_how_bad_it_is_what_is_seen_and_what_to_do(name: str) -> None:
    assert RULES[name]["labels"]["severity"] in {"critical", "warning"}
    assert set(RULES[name]["annotations"]) == {"summary", "action"}


def test_each_rule_is_tried_with_figures_that_raise_it_and_with_such_that_do_not() -> None:
    tried = [
        (step["alertname"], bool(step["exp_alerts"]))
        for case in _load("alerts.test.yml")["tests"]
        for step in case["alert_rule_test"]
    ]
    assert sorted(tried) == sorted((name, raised) for name in RULES for raised in (False, True))


def test_promtool_takes_the_rules_and_the_configuration() -> None:
    for words in (("check", "rules", FOLDER / "alerts.yml"), ("check", "config", FOLDER / "prometheus.yml")):
        done = promtool(*words)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_raised_when_it_must_be_and_only_then() -> None:
    done = promtool("test", "rules", FOLDER / "alerts.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_that_raises_nothing_is_found(name: str, tmp_path: Path) -> None:
    changed = _load("alerts.yml")
    for rule in changed["groups"][0]["rules"]:
        if rule["alert"] == name:
            rule["expr"] = f"({rule['expr']}) < -1"
    cases = _load("alerts.test.yml")
    cases["tests"] = [
        case for case in cases["tests"] if any(step["alertname"] == name for step in case["alert_rule_test"])
    ]
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    (tmp_path / "alerts.test.yml").write_text(yaml.safe_dump(cases), encoding="utf-8")
    done = promtool("test", "rules", tmp_path / "alerts.test.yml")
    assert done.returncode == 1
    assert name in done.stdout + done.stderr


def test_the_scraper_finds_every_process_that_there_is() -> None:
    [job] = _load("prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "naikkelas"
    [found] = job["dns_sd_configs"]
    assert sorted(found["names"]) == sorted(process.name for process in PROCESSES)


def test_every_process_that_there_is_is_missed_by_its_name() -> None:
    asked = re.findall(r'absent\(up\{job="naikkelas",service="(\w+)",role="(\w+)"\}\)', RULES["ProcessMissing"]["expr"])
    assert sorted("-".join(pair) for pair in asked) == sorted(process.name for process in PROCESSES)
