"""What a run that was killed left behind is found by the next one; who is at work is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from proof import leftovers
from proof.clocks import missing_library
from proof.disks import fill, missing_disk, small_disk
from proof.leftovers import OWNER, PREFIX, mounts_below, place, sweep
from proof.network import Island, missing_namespaces
from proof.rig import Rig


def abandoned(parent: Path, name: str = "gone") -> Path:
    """Make the folder of a run whose process has ended."""
    folder = parent / f"{PREFIX}{name}"
    (folder / "stack").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (folder / OWNER).write_text(f"{ended.pid} 1.0", encoding="ascii")
    return folder


def test_the_folder_of_a_run_that_is_gone_goes_and_others_stay(tmp_path: Path) -> None:
    folder, unmarked, other = abandoned(tmp_path), tmp_path / f"{PREFIX}unmarked", tmp_path / "something"
    unmarked.mkdir()
    other.mkdir()
    mine = tmp_path / f"{PREFIX}mine"
    mine.mkdir()
    (mine / OWNER).write_text(f"{os.getpid()} {psutil.Process().create_time()}", encoding="ascii")
    assert sweep(tmp_path) == [f"Cleaned up what an earlier run left in {folder}."]
    assert sorted(tmp_path.iterdir()) == sorted([unmarked, other, mine])


def test_an_engine_that_an_earlier_run_left_is_ended(tmp_path: Path) -> None:
    folder = abandoned(tmp_path)
    env = os.environ | {"NAIKKELAS_HOME": str(folder / "stack"), "NAIKKELAS_PROCESS": "kafka"}
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], env=env) as left:
        assert len(sweep(tmp_path)) == 1
        left.wait(10)
    assert not psutil.pid_exists(left.pid)


def test_a_platform_whose_start_is_interrupted_is_taken_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig, pids = Rig(tmp_path / "rig"), []

    def interrupted(_names: object) -> None:
        pids.extend(started.pid for started in rig.stack.record().processes.values())
        raise KeyboardInterrupt

    monkeypatch.setattr(rig.stack, "start_servers", lambda **_: rig.stack.home.prepare())
    monkeypatch.setattr(rig.stack, "start_services", interrupted)
    with pytest.raises(KeyboardInterrupt), rig:
        pytest.fail("it was not interrupted")
    assert len(pids) == 1  # the mailbox
    assert not psutil.pid_exists(pids[0])
    assert not rig.stack.home.path.exists()


def test_a_mount_that_an_earlier_run_left_is_taken_away(tmp_path: Path) -> None:
    if (lack := missing_disk()) is not None:
        pytest.skip(lack)
    folder = abandoned(tmp_path)
    disk = small_disk(folder / "disk", 16)
    assert disk.__enter__() in ("ext4 on a loop device", "tmpfs")  # and nobody leaves it
    assert mounts_below(folder) == [str(folder / "disk")]
    sweep(tmp_path)
    assert mounts_below(tmp_path) == []
    assert not folder.exists()


def test_a_full_disk_is_full_and_leaves_no_mount(tmp_path: Path) -> None:
    if (lack := missing_disk()) is not None:
        pytest.skip(lack)
    with small_disk(tmp_path / "disk", 16):
        fill(tmp_path / "disk")
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "disk" / "one").write_bytes(bytes(8_192))
    assert mounts_below(tmp_path) == []


def test_where_no_loop_device_works_a_small_tmpfs_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (lack := missing_disk()) is not None:
        pytest.skip(lack)
    monkeypatch.setattr("proof.disks.LOOP_CONTROL", tmp_path / "none")
    with small_disk(tmp_path / "disk", 16) as kind:
        assert kind == "tmpfs"
    assert mounts_below(tmp_path) == []


def test_a_namespace_that_an_earlier_run_left_is_taken_away(tmp_path: Path) -> None:
    if (lack := missing_namespaces()) is not None:
        pytest.skip(lack)
    folder = abandoned(tmp_path, "left")
    Island("nk-left-0", "nkn251", "nkf251", "10.213.251.1", "10.213.251.2").make()
    assert leftovers.namespaces_of(folder.name) == ["nk-left-0"]
    sweep(tmp_path)
    assert leftovers.namespaces_of(folder.name) == []
    while "nkn251" in psutil.net_if_addrs():  # the kernel takes the link away a moment after its namespace
        time.sleep(0.05)


@pytest.mark.parametrize("missing", [missing_disk, missing_namespaces])
def test_without_root_it_is_said_that_root_is_needed(missing: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root; run the proof as root" in str(missing())  # type: ignore[operator]


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proof.clocks._LIBRARIES", ())
    assert missing_library() == "libfaketime is not here; install it (Debian: apt-get install faketime)"
    monkeypatch.setattr("proof.network.is_root", lambda: True)
    monkeypatch.setattr("proof.network.shutil.which", lambda _name: None)
    assert missing_namespaces() == "ip is not here; install it (Debian: apt-get install iproute2)"


def test_the_folder_of_a_run_goes_with_it() -> None:
    with place() as folder:
        assert folder.exists()
        assert sweep(folder.parent) == [] or folder.exists()
    assert not folder.exists()
