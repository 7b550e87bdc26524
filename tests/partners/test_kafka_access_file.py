"""What an agency's client needs, written into a file: never over one that is there, never left empty."""

from __future__ import annotations

import errno
import json
import stat
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch
from uuid import uuid4

from ops.stack import Stack
from tests.stack.commanding import naikkelas_here
from tests.stack.servers import Kafka

TIMEOUT = 15.0


def test_the_access_is_written_into_a_new_file_and_none_is_ever_overwritten(
    migrated_stack: Stack, given_servers: dict[str, str], kafka: Kafka, tmp_path: Path
) -> None:
    ask = partial(naikkelas_here, "agency", home=migrated_stack.home.path, given=given_servers)
    code, there, elsewhere = f"berkas-{uuid4().hex[:8]}", tmp_path / "agency.conf", tmp_path / "again.conf"

    def error(answer: CompletedProcess[str]) -> str:
        assert answer.returncode == 1
        return str(json.loads(answer.stdout)["error"])

    assert ask("create-user", code, "--out", str(there), "--dry-run").returncode == 0
    assert not there.exists()
    made = ask("create-user", code, "--out", str(there))
    assert (made.returncode, f"agency-{code}-a" in made.stdout) == (0, True)
    written = there.read_text(encoding="utf-8")
    (password,) = [line.partition("=")[2] for line in written.splitlines() if line.startswith("sasl.password=")]
    assert password
    assert password not in made.stdout + made.stderr
    assert stat.S_IMODE(there.stat().st_mode) == 0o600

    # Typed again: refused by the rules, and what the first wrote is still there; nor is an empty file left anywhere.
    assert "rotate" in error(ask("create-user", code, "--out", str(there), "--json"))
    assert "rotate" in error(ask("create-user", code, "--out", str(elsewhere), "--json"))
    assert not elsewhere.exists()
    # Refused before a user is made whose password nobody would have.
    assert "there already" in error(ask("rotate", code, "--out", str(there), "--json"))
    assert "No such file" in error(ask("rotate", code, "--out", str(tmp_path / "none" / "agency.conf"), "--json"))
    assert there.read_text(encoding="utf-8") == written

    with patch("os.fsync", side_effect=OSError(errno.ENOSPC, "No space left on device")):
        lost = error(ask("rotate", code, "--out", str(elsewhere), "--json"))
    assert f"agency-{code}-b was made" in lost
    assert "No space left" in lost
    assert not elsewhere.exists()
    assert ask("revoke", code, "--user", f"agency-{code}-b", "--yes").returncode == 0

    rotated = json.loads(ask("rotate", code, "--out", str(elsewhere), "--json").stdout)
    assert (rotated["user"], rotated["file"]) == (f"agency-{code}-b", str(elsewhere))
    assert f"sasl.username=agency-{code}-b\n" in elsewhere.read_text(encoding="utf-8")
    assert ask("revoke", code, "--yes").returncode == 0
    kafka.admin.delete_topics([f"umkm.agency.{code}"])[f"umkm.agency.{code}"].result(TIMEOUT)
