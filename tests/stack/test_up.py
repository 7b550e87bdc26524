"""Starting and stopping the servers where something is in the way: each gets one sentence, or is put right."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ops.stack import Stack, StackError, java, postgres
from ops.stack.processes import HOST, wait_until

ANY_PORT = {"NAIKKELAS_PORTS": "any"}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's account can pass to; whatever still runs in it is ended."""
    path = Path(tempfile.mkdtemp(prefix="naikkelas-up-"))
    yield path
    Stack(path).down(wipe=True)


def naikkelas(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    env = os.environ | ANY_PORT | {"NAIKKELAS_HOME": str(home)}
    command = [sys.executable, "-m", "ops", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=90)


def running_in(home: Path) -> list[str]:
    """Return the command lines of processes that work in this folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        words = process.info["cmdline"] or []
        if process.pid != os.getpid() and any(str(home) in word for word in words):
            found.append(" ".join(words)[:80])
    return found


def test_a_second_up_says_that_it_is_up_and_down_leaves_nothing(home: Path) -> None:
    assert naikkelas("up", "--servers-only", home=home).returncode == 0
    second = naikkelas("up", "--servers-only", home=home)
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert "up already" in second.stderr
    assert naikkelas("down", "--wipe", home=home).returncode == 0
    assert running_in(home) == []
    assert not home.exists()


def test_a_taken_port_is_left_alone_and_another_one_used(home: Path) -> None:
    told: list[str] = []
    with socket.socket() as taken, Stack(home, say=told.append, environment={}) as stack:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, postgres.PORT))
            taken.listen()
        except OSError:
            pass  # somebody else has it, which is as good
        stack.start_servers()
        assert stack.record().ports["postgres"] != postgres.PORT
    assert any(str(postgres.PORT) in line for line in told)


@pytest.mark.parametrize("dead", ["kafka", "postgres"])
def test_what_is_left_of_a_half_dead_stack_is_cleaned_up(home: Path, dead: str) -> None:
    told: list[str] = []
    with Stack(home, say=told.append, environment=ANY_PORT) as stack:
        stack.start_servers()
        before = stack.record().processes
        process = before[dead].process()
        assert process is not None
        for member in [process, *process.children(recursive=True)]:
            member.kill()
        assert wait_until(lambda: not before[dead].alive, 10)
        stack.start_servers()
        after = stack.record().processes
        assert all(started.alive for started in after.values())
        assert not any(started.alive for started in before.values())
    assert any("half dead" in line for line in told)


def test_processes_that_no_record_names_are_found_and_ended(home: Path) -> None:
    stack = Stack(home, environment=ANY_PORT)
    stack.start_servers()
    before = stack.record().processes
    (home / "stack.json").unlink()
    stack.start_servers()
    assert not any(started.alive for started in before.values())
    stack.down()
    assert running_in(home) == []


def test_data_is_there_after_a_restart_on_other_ports(home: Path) -> None:
    with Stack(home, environment=ANY_PORT) as stack:
        stack.start_servers()
        password = stack.dsn("registry", "registry").split("@")[0]
        stack.down()
        stack.home.change(lambda record: record.ports.clear())
        stack.start_servers()
        assert stack.dsn("registry", "registry").split("@")[0] == password


def test_a_full_disk_gets_one_sentence_and_nothing_starts(home: Path) -> None:
    with pytest.raises(StackError, match="MB are free"):
        Stack(home).start_servers(needed_mb=10**9)
    assert running_in(home) == []


def test_no_java_gets_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_wheel_java", lambda: None)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(StackError, match="openjdk-17-jre-headless"):
        java.find_java()


def test_the_java_on_the_path_serves_where_the_wheel_has_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("java") is None:
        pytest.skip("no java on the PATH")
    monkeypatch.setattr(java, "_wheel_java", lambda: None)
    with Stack(home, environment=ANY_PORT) as stack:
        stack.start_servers()
        assert stack.record().processes["kafka"].alive


def test_no_wheel_of_postgresql_gets_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _name: None)
    with pytest.raises(StackError, match="POSTGRES_DSN"):
        Stack(home, environment=ANY_PORT).start_servers()


def test_given_servers_win_over_the_embedded(home: Path) -> None:
    with Stack(home, environment=ANY_PORT) as owner, tempfile.TemporaryDirectory() as second:
        owner.start_servers()
        operator = owner.servers.operator()
        given = {
            "KAFKA_BOOTSTRAP": operator.bootstrap,
            "KAFKA_USERNAME": operator.username,
            "KAFKA_PASSWORD": operator.password,
            "POSTGRES_DSN": owner.servers.superuser_dsn(),
        }
        guest = Stack(Path(second), environment=given)
        guest.start_servers()
        assert guest.record().processes == {}
        assert guest.credentials("registry").bootstrap == operator.bootstrap


def test_the_stack_of_a_killed_process_is_taken_down(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ops.stack import Stack\n"
        "stack = Stack(Path(sys.argv[1]), environment={'NAIKKELAS_PORTS': 'any'}); stack.start_servers(owned=True)\n"
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        started = Stack(home).record().processes
        owner.kill()
    assert wait_until(lambda: not any(process.alive for process in started.values()), 40)
    assert running_in(home) == []


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_up_leaves_nothing_behind(home: Path) -> None:
    env = os.environ | ANY_PORT | {"NAIKKELAS_HOME": str(home)}
    with subprocess.Popen([sys.executable, "-m", "ops", "up"], env=env, stderr=subprocess.PIPE, text=True) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if "is up on port" in line:
                command.send_signal(signal.SIGINT)
                break
        command.stderr.read()
        assert command.wait(60) == 130
    assert running_in(home) == []
