"""The judge of AsyncAPI documents: the AsyncAPI project's own parser, in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NPM = Path(os.environ.get("AXE_CORE", HERE.parents[1] / "node_modules" / "axe-core")).parent
"""Where npm put packages: ``AXE_CORE`` names axe-core in the same folder."""
NODE = shutil.which("node")

needs_parser = pytest.mark.skipif(
    NODE is None or not (NPM / "@asyncapi" / "parser").is_dir(), reason="needs node and @asyncapi/parser"
)


def judged(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the parser counts in a document (``counts``) and finds wrong with it (``diagnostics``)."""
    assert NODE is not None
    run = [NODE, str(HERE / "parse.mjs"), str(NPM.parent)]
    done = subprocess.run(run, input=json.dumps(document), capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def faults_of(document: dict[str, Any]) -> list[Any]:
    """Return what the parser calls an error (0) or a warning (1)."""
    return [item for item in judged(document)["diagnostics"] if item["severity"] <= 1]
