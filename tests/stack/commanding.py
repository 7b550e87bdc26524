"""The command in the process of the tests: what a script gets of it, without the second or two in which Python loads it each time."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import structlog

from ops.cli import run


def naikkelas_here(*words: str, home: Path | str, given: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """Run the command for the stack in a folder. What it raises beside its end is raised."""
    said, complained, code = StringIO(), StringIO(), 0
    before, ending = structlog.get_config(), signal.getsignal(signal.SIGTERM)
    try:
        with (
            patch.dict(os.environ, {"NAIKKELAS_HOME": str(home), **(given or {})}),
            redirect_stdout(said),
            redirect_stderr(complained),
        ):
            run(list(words))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        structlog.configure(**before)
        signal.signal(signal.SIGTERM, ending)
    return CompletedProcess(words, code, said.getvalue(), complained.getvalue())
