"""The fences between services and between layers hold, and each of them goes red when it is climbed over."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

WIRING = ("__main__", "processes", "all_in_one", "app", "working")
LAYERS = (*WIRING, "api", "consumers", "handlers", "store", "domain", "commands", "settings")

TRESPASSES = {
    "Services never import one another": ("services/alpha/domain.py", "import services.beta.domain"),
    "shared knows no service, and no service knows ops": ("shared/outbox.py", "import services.alpha.commands"),
    "Inside a service, imports point inward": (
        "services/alpha/domain.py",
        "import services.alpha.api",
    ),
    "Rules and contracts do no input or output": ("services/alpha/domain.py", "import asyncpg"),
    "Only the store and shared speak SQL": ("services/alpha/api.py", "import asyncpg"),
    "Only handlers (and the wiring) touch the store": ("services/alpha/api.py", "import services.alpha.store"),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    settings = {"NO_COLOR": "1", "COLUMNS": "200", "PYTHONPATH": str(folder)}
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, env=settings)


def _small_house(root: Path) -> None:
    modules = [f"services/{name}/{layer}.py" for name in ("alpha", "beta") for layer in ("__init__", *LAYERS)]
    modules += ["services/__init__.py", "ops/__init__.py"]
    modules += [f"shared/{name}.py" for name in ("__init__", "contracts", "envelope", "outbox", "broker")]
    for module in modules:
        (root / module).parent.mkdir(parents=True, exist_ok=True)
        (root / module).touch()
    shutil.copy(ROOT / "pyproject.toml", root)


def test_the_six_import_contracts_are_kept() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 6 kept, 0 broken" in done.stdout


def test_a_house_without_trespass_is_clean(tmp_path: Path) -> None:
    _small_house(tmp_path)
    assert "Contracts: 6 kept, 0 broken" in _lint(tmp_path).stdout


@pytest.mark.parametrize("contract", TRESPASSES)
def test_each_contract_goes_red_when_it_is_broken(contract: str, tmp_path: Path) -> None:
    _small_house(tmp_path)
    module, line = TRESPASSES[contract]
    (tmp_path / module).write_text(f"{line}\n", encoding="utf-8")
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout
    assert re.search(rf"^{re.escape(contract)} +BROKEN", done.stdout, re.MULTILINE), done.stdout
