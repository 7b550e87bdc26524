"""The judge of AsyncAPI documents: the AsyncAPI project's own parser, in Node."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
from functools import cache
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


@cache
def _judge() -> subprocess.Popen[str]:
    """Start the judge, once for all documents of a process: loading it takes longer than judging."""
    assert NODE is not None
    run = [NODE, str(HERE / "parse.mjs"), str(NPM.parent)]
    judge = subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(_dismiss, judge)
    return judge


def _dismiss(judge: subprocess.Popen[str]) -> None:
    with judge:
        judge.kill()


def judged(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the parser counts in a document (``counts``) and finds wrong with it (``diagnostics``)."""
    judge = _judge()
    assert judge.stdin is not None
    assert judge.stdout is not None
    judge.stdin.write(json.dumps(document) + "\n")
    judge.stdin.flush()
    found: dict[str, Any] = json.loads(judge.stdout.readline())
    return found


def faults_of(document: dict[str, Any]) -> list[Any]:
    """Return what the parser calls an error (0) or a warning (1)."""
    return [item for item in judged(document)["diagnostics"] if item["severity"] <= 1]
