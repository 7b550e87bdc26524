"""The folder of a drill: closed to others, gone at its end, and where the drill was killed, gone with the next one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.backup import scratch as drills
from ops.backup.scratch import MARK, PREFIX, remove_leftovers, scratch
from ops.stack import Stack
from ops.stack.processes import Started
from ops.stack.stack import KEEPER
from tests.house.tree import ROOT
from tests.stack.commanding import naikkelas_here

KEYS = {"KEY_ENCRYPTION_KEY": b64encode(bytes(32)).decode(), "WEBHOOK_KEY": b64encode(bytes(range(32))).decode()}
DRILL = """
import os, sys, time
from ops.backup.scratch import scratch
os.umask(0)
with scratch({keys!r}) as stack:
    if {servers!r}:
        stack.start_servers(owned=True)
    print(stack.home.path, flush=True)
    time.sleep(300)
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place for temporary files that nobody else's drill uses, and that PostgreSQL's account may pass."""
    tmp_path_factory.getbasetemp()  # pytest's own is made when it is asked for first; here it would go with the folder
    folder = Path(tempfile.mkdtemp(prefix="naikkelas-uji-"))
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def begin(*, servers: bool) -> tuple[subprocess.Popen[str], Path]:
    """Begin what is like a drill in a process of its own, and return it with its folder."""
    program = DRILL.format(keys=KEYS, servers=servers)
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_the_folder_is_closed_to_others_holds_the_keys_and_is_gone_afterwards(place: Path) -> None:
    before = os.umask(0)
    try:
        with scratch(KEYS) as stack:
            assert stack.home.path.stat().st_mode & 0o777 == 0o700
            assert (stack.home.key_encryption_key(), stack.home.webhook_key()) == tuple(KEYS.values())
            assert (stack.home.path / "secrets.json").stat().st_mode & 0o777 == 0o600
            assert remove_leftovers() == []  # not one of a drill that lives
        assert list(place.iterdir()) == []
    finally:
        os.umask(before)


@pytest.mark.timeout(150)
def test_what_a_killed_drill_has_left_goes_with_the_next_one_and_a_drill_that_lives_keeps_its_own(place: Path) -> None:
    killed, left = begin(servers=True)
    living, kept = begin(servers=False)
    try:
        kill(killed)
        assert KEYS["WEBHOOK_KEY"] in (left / "secrets.json").read_text()
        assert left.stat().st_mode & 0o066 == 0  # root's lets PostgreSQL's account pass, and no more
        with scratch(KEYS) as stack:
            assert sorted(place.iterdir()) == sorted([kept, stack.home.path])
        assert [p.pid for p in psutil.process_iter() if _names(p, left)] == []
        kill(living)
        done = naikkelas_here("down", "--wipe", "--json", home=place / "none")
        assert (done.returncode, f'"{kept}"' in done.stdout) == (0, True), done.stdout
        assert list(place.iterdir()) == []
    finally:
        for process in (killed, living):
            if process.poll() is None:
                kill(process)
        remove_leftovers()


def _names(process: psutil.Process, folder: Path) -> bool:
    try:
        return any(str(folder) in word for word in process.cmdline())
    except psutil.Error:
        return False


def test_what_only_looks_like_one_is_left_alone(place: Path, tmp_path: Path) -> None:
    """A link leads to somebody's folder, and a file is nobody's drill."""
    (tmp_path / "milik-orang").mkdir()
    (place / f"{PREFIX}tautan").symlink_to(tmp_path / "milik-orang")
    (place / f"{PREFIX}berkas").write_text("x")
    assert remove_leftovers() == []
    assert (tmp_path / "milik-orang").exists()
    assert len(list(place.iterdir())) == 2


@pytest.mark.parametrize("name", ["manifest.json", "stack.json"])
def test_a_folder_that_no_drill_has_marked_is_somebodys_and_stays(place: Path, name: str) -> None:
    """A backup, or a stack, that an operator named so."""
    somebodys = place / f"{PREFIX}cadangan"
    somebodys.mkdir(mode=0o700)
    (somebodys / name).write_text('{"processes": {}, "ports": {}, "restarts": {}}')
    assert remove_leftovers() == []
    assert [path.name for path in somebodys.iterdir()] == [name]


@pytest.fixture
def marked(place: Path) -> Path:
    """What a drill that was killed has left."""
    folder = place / f"{PREFIX}sisa"
    folder.mkdir(mode=0o700)
    (folder / MARK).touch()
    return folder


def test_what_another_account_has_left_is_left_alone(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as other:
        other.setattr(os, "getuid", lambda: marked.stat().st_uid + 1)
        assert remove_leftovers() == []
    assert remove_leftovers() == [marked]
    assert not marked.exists()


def test_what_a_keeper_still_takes_down_is_left_to_it(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "KEEPER_SECONDS", 0.2)
    keeper = Started(os.getpid(), psutil.Process().create_time(), "keeper.log")
    stack = Stack(marked)
    stack.home.change(lambda record: record.processes.update({KEEPER: keeper}))
    assert remove_leftovers() == []
    assert stack.record().processes == {KEEPER: keeper}
    stack.home.change(lambda record: record.processes.clear())
    assert remove_leftovers() == [marked]


def test_the_mark_goes_last(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed while it removes the folder leaves what the next one knows as a drill's."""
    left: list[list[str]] = []
    monkeypatch.setattr(shutil, "rmtree", _seeing(left))
    with scratch(KEYS) as stack:
        (stack.home.path / "data").mkdir()
        (stack.home.path / "data" / "salinan").write_text("x")
        assert (stack.home.path / MARK).is_file()
    assert left[-1] == [MARK]
    assert list(place.iterdir()) == []


def _seeing(left: list[list[str]]) -> Callable[..., None]:
    """Return what removes a tree, and keeps which files were in it."""
    remove = shutil.rmtree

    def seeing(path: Path, *, ignore_errors: bool = False) -> None:
        left.append(sorted(file.name for file in path.rglob("*") if file.is_file()))
        remove(path, ignore_errors=ignore_errors)

    return seeing


def test_a_folder_without_a_record_is_left_over_too(place: Path) -> None:
    """It was killed before it had written anything."""
    (place / f"{PREFIX}awal").mkdir(mode=0o700)
    assert remove_leftovers() == [place / f"{PREFIX}awal"]
    assert not Stack(place / f"{PREFIX}awal").home.path.exists()
