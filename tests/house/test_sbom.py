"""The list of what the images hold is CycloneDX, and names each pinned package once."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT

SCRIPT = ROOT / "deploy" / "make-sbom"
AWAY = re.compile(r"failed to fetch|dns error|connect|timed out|offline", re.IGNORECASE)


@pytest.mark.security(line="S18")
def test_the_sbom_names_each_pinned_package_once(tmp_path: Path) -> None:
    made = tmp_path / "sbom.cdx.json"
    done = subprocess.run(["sh", SCRIPT, made], check=False, capture_output=True, text=True, timeout=100)
    if done.returncode and AWAY.search(done.stderr):
        pytest.skip("the index of packages is not reached")
    assert done.returncode == 0, done.stderr
    bom = json.loads(made.read_text(encoding="utf-8"))
    lock = (ROOT / "requirements-run.lock").read_text(encoding="utf-8")
    pinned = sorted(re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==([\w.!+-]+)", lock, re.MULTILINE))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
    assert sorted((part["name"], part["version"]) for part in bom["components"]) == pinned
    assert {part["purl"] for part in bom["components"]} == {f"pkg:pypi/{name}@{version}" for name, version in pinned}


def test_without_a_word_it_says_what_it_wants(tmp_path: Path) -> None:
    done = subprocess.run(["sh", SCRIPT], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr
