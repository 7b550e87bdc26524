"""Skips are counted: a skip that the file named by STRICT_SKIPS does not list fails the run.

CI names ``tests/allowed-skips.txt``. A line of it is ``<pattern of the test's id> | <pattern of the reason>``, both shell-like.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.memory import use_memory

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


use_memory()


def _allowed(path: Path) -> list[tuple[str, str]]:
    lines = (line.split("#", 1)[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("|") for line in lines if line)
    return [(test.strip(), reason.strip() or "*") for test, _, reason in pairs]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


@dataclass(eq=False)
class SkipWatch:
    """Collects the skips that no line of the file allows."""

    allowed: list[tuple[str, str]]
    unlisted: list[str] = field(default_factory=list)

    def _look(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = _reason(report)
        if not any(fnmatchcase(report.nodeid, test) and fnmatchcase(reason, why) for test, why in self.allowed):
            self.unlisted.append(f"{report.nodeid} | {reason}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """See each phase of each test."""
        self._look(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """See modules that are skipped whole."""
        self._look(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run when a skip was not listed."""
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Name the skips that nobody allowed."""
        if self.unlisted:
            terminalreporter.section("skips that are not allowed: the run fails", red=True)
            for line in sorted(set(self.unlisted)):
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips where CI asks for it."""
    if path := os.environ.get("STRICT_SKIPS"):
        config.pluginmanager.register(SkipWatch(_allowed(Path(path))), "skip-watch")
