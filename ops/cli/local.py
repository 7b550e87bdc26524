"""``naikkelas up``, ``down``, ``status``: the local stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops.backup.scratch import remove_leftovers
from ops.cli.output import Json, print_json, print_line, print_table, say
from ops.stack import Stack, StackError
from ops.stack.processes import Started
from ops.stack.services import MAILBOX, PROCESSES, is_ready, is_service, present
from ops.stack.stack import KEEPER

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="The local stack.")


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Give a function that tells of each step: a bar on a terminal, lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield say
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=steps)

        def step(text: str) -> None:
            bar.update(task, description=text, advance=1 if " is ready" in text or " is up" in text else 0)

        yield step


@app.command()
def up(
    services: Annotated[
        list[str] | None, typer.Argument(help="Processes to start, such as registry-api (default: all).")
    ] = None,
    servers_only: Annotated[bool, typer.Option("--servers-only", help="Kafka and PostgreSQL only.")] = False,
    brokers: Annotated[
        int | None, typer.Option(help="Nodes of Kafka, 1 or 3, from its first start on; default: as it was, or 1.")
    ] = None,
    json: Json = False,
) -> None:
    """Start Kafka, PostgreSQL, the mailbox and all services, and come back when they are ready."""
    began = monotonic()
    names = services or [process.name for process in present(PROCESSES)]
    with progress(2 + len(names)) as tell:
        stack = Stack(say=tell)
        wanted = [] if servers_only else [MAILBOX, *names]
        _refuse_second(stack, wanted)
        try:
            if servers_only:
                stack.start_servers(brokers=brokers)
            else:
                stack.up(names, restart=True, brokers=brokers)
        except KeyError as error:
            known = ", ".join(process.name for process in present(PROCESSES))
            raise StackError(f"There is no process named {error.args[0]}; there are {known}.") from error
        except (KeyboardInterrupt, StackError):
            # Nothing is left behind half started.
            tell("stopping what was started")
            stack.down()
            raise
    seconds = monotonic() - began
    if json:
        print_json({"ok": True, "seconds": round(seconds, 1), "home": str(stack.home.path), **_state(stack)})
        return
    print_line(f"The stack is up after {seconds:.1f} s, in {stack.home.path}.")
    for process in present(PROCESSES) if not servers_only else []:
        if process.role == "api" and process.name in stack.record().processes:
            print_line(f"  {process.service}: {stack.api_url(process.service)}/docs")
    print_line("`naikkelas env` tells how to reach it, `naikkelas down` stops it.")


def _refuse_second(stack: Stack, wanted: list[str]) -> None:
    running = {name for name, started in stack.record().processes.items() if started.alive}
    needed = {*stack.servers.embedded, *wanted}
    if needed and needed <= running:
        raise StackError(
            f"The stack in {stack.home.path} is up already: `naikkelas status` shows it, `naikkelas down` stops it."
        )


@app.command()
def down(
    wipe: Annotated[
        bool,
        typer.Option(
            "--wipe", help="Remove data, logs, mails and passwords too, and what a drill that was killed has left."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Stop the stack; what was stored stays, unless --wipe."""
    stack = Stack(say=say)
    home = stack.home
    if not home.path.exists():
        stopped: list[str] = []
    else:
        with home.locked():
            stopped = stack.down()
        if wipe:
            home.wipe()
    # What a drill that was killed has left holds this platform's keys and persons too.
    left = [str(folder) for folder in remove_leftovers()] if wipe else []
    if json:
        print_json({"ok": True, "stopped": stopped, "wiped": wipe, "leftovers": left})
        return
    print_line(f"Stopped {', '.join(stopped)}." if stopped else f"Nothing ran in {home.path}.")
    for removed in [str(home.path), *left] if wipe else []:
        print_line(f"Removed {removed}.")


@app.command()
def status(json: Json = False) -> None:
    """Show what runs, and whether it is ready. Exit code 1 if something that was started is not well."""
    stack = Stack()
    state = _state(stack)
    if json:
        print_json(state)
    elif not state["processes"]:
        print_line(f"Nothing runs in {stack.home.path}; `naikkelas up` starts the stack.")
    else:
        rows = [
            (p["name"], p["state"], p["pid"], p["port"] or "", f"{p['memory_mb']} MB", p["restarts"], p["cause"])
            for p in state["processes"]
        ]
        print_table(("process", "state", "pid", "port", "memory", "restarts", "cause"), rows)
    if not state["ok"]:
        raise typer.Exit(1)


def _state(stack: Stack) -> dict[str, Any]:
    record = stack.record()
    found = [
        _process_state(stack, name, started, record.restarts.get(name, 0)) for name, started in record.processes.items()
    ]
    return {"ok": bool(found) and all(item["state"] in ("ready", "running") for item in found), "processes": found}


def _process_state(stack: Stack, name: str, started: Started, restarts: int) -> dict[str, Any]:
    process = started.process()
    state, cause = "running", ""
    if process is None:
        state, cause = "dead", f"see {stack.home.logs / name}.log"
    elif is_service(name) and name not in (MAILBOX, KEEPER):
        ready, said = is_ready(started.port or 0)
        state, cause = ("ready", "") if ready else ("not ready", said[:300])
    return {
        "name": name,
        "state": state,
        "pid": started.pid,
        "port": started.port,
        "memory_mb": _memory_mb(process),
        "since": datetime.fromtimestamp(started.started, UTC).isoformat(timespec="seconds"),
        "restarts": restarts,
        "cause": cause,
    }


def _memory_mb(process: psutil.Process | None) -> int:
    """Return what the process and its children hold, in MB."""
    if process is None:
        return 0
    try:
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) // (1024 * 1024)
    except psutil.NoSuchProcess:
        return 0
