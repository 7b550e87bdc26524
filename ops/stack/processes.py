"""Starting and stopping processes, each in a session of its own, and knowing later whether they are still ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import randrange
from time import monotonic, sleep

import psutil

from ops.stack.errors import StackError

SAME_START_SECONDS = 1.0
POLL_SECONDS = 0.02
KILL_SECONDS = 5.0
HOST = "127.0.0.1"
ANY_PORTS = (20_000, 32_000)
"""Below the ports that systems give to outgoing connections (Linux: from 32768; others: from 49152)."""
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""What this process started, by id: an ended child stays a zombie until its parent asks after it."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was started: its id means something only together with its start time (seconds since the epoch)."""

    pid: int
    started: float
    command: str
    port: int | None = None
    """The port of its HTTP interface or server."""

    def process(self) -> psutil.Process | None:
        """Return the process if it still runs and is the one that was started; a zombie does not run."""
        try:
            _reap(self.pid)
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > SAME_START_SECONDS:
                return None
            # Our own child is one, too, while its other threads are ending and hold its ports: it is gone when we have its end.
            ended = process.status() == psutil.STATUS_ZOMBIE and self.pid not in _CHILDREN
            return None if ended else process
        except psutil.NoSuchProcess:
            return None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process() is not None

    def memory(self) -> int:
        """Return the bytes that it and its children hold (PSS: what several share counts in parts); 0 if it is gone."""
        process = self.process()
        try:
            return 0 if process is None else sum(map(_held, [process, *process.children(recursive=True)]))
        except psutil.NoSuchProcess:
            return 0

    def processor_seconds(self) -> float:
        """Return the processor time that it and its children took so far, with children that ended; 0 if it is gone."""
        process = self.process()
        try:
            return 0.0 if process is None else sum(map(_taken, [process, *process.children(recursive=True)]))
        except psutil.NoSuchProcess:
            return 0.0


def _taken(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:4])  # its own, user and system, and of children that it waited for
    except psutil.NoSuchProcess:
        return 0.0


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError):
        return 0


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    port: int | None = None,
) -> Started:
    """Start a process in its own session, its output appended to ``log``. Raises ``StackError``."""
    words = [str(word) for word in command]
    account: dict[str, object] = {"user": user, "group": user, "extra_groups": []} if user else {}
    try:
        with log.open("ab") as output:
            child = subprocess.Popen(  # type: ignore[call-overload]
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
                **account,
            )
    except OSError as error:
        raise StackError(f"{words[0]} cannot be started ({error.strerror}): mend that and try again.") from error
    _CHILDREN[child.pid] = child
    return Started(child.pid, psutil.Process(child.pid).create_time(), Path(words[0]).name, port)


def send(started: Started, number: int) -> None:
    """Send a signal to the whole session of the process, if it is still there."""
    if started.alive:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, number)


def stop(started: Started, *, number: int = signal.SIGTERM, seconds: float = 15.0) -> bool:
    """End the process and its children; ``False`` if it had to be killed."""
    process = started.process()
    if process is None:
        return True
    family = [process, *_children(process)]
    # Only the parent is asked: PostgreSQL and the services end their children in order by themselves.
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
    _, left = psutil.wait_procs(family, timeout=seconds)
    for survivor in left:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(left, timeout=KILL_SECONDS)
    _reap(started.pid)
    return not left


def kill(started: Started) -> None:
    """Kill the process and its children, as a power cut would."""
    process = started.process()
    if process is None:
        return
    family = [process, *_children(process)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=KILL_SECONDS)
    _reap(started.pid)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _reap(pid: int) -> None:
    """Take note of the end of a process that was our child; of others, their parent does."""
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask until the condition holds; ``False`` if it did not within ``seconds``."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(POLL_SECONDS)
    return True


def accepts(port: int) -> bool:
    """Tell whether something listens on the port of 127.0.0.1."""
    with socket.socket() as client:
        client.settimeout(1.0)
        return client.connect_ex((HOST, port)) == 0


def free_port(preferred: int, taken: Iterable[int] = ()) -> int:
    """Return ``preferred`` if it is free (and not 0), else any free port of 127.0.0.1 that is not in ``taken``.

    Any port is one that no outgoing connection is given: such a one would be gone when its server starts again.
    """
    avoid = set(taken)
    if preferred and preferred not in avoid and _bindable(preferred):
        return preferred
    while True:
        port = randrange(*ANY_PORTS)
        if port not in avoid and _bindable(port):
            return port


def _bindable(port: int) -> bool:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return False
    return True


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log file, for an error message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
