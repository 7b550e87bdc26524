"""The command's tree, loaded lazily: a subcommand's module is imported when it is called."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import structlog
import typer
from typer.core import TyperGroup
from typer.main import get_command

from ops.cli.output import fail
from ops.stack.errors import StackError


class Entry(NamedTuple):
    """Where a subcommand is."""

    module: str
    """The module that exports ``app``."""
    help: str
    command: str | None = None
    """The command of that ``app`` that is meant; None: the whole group."""


COMMANDS: dict[str, Entry] = {
    "up": Entry("ops.cli.local", "Start Kafka, PostgreSQL, the mailbox and all services.", "up"),
    "down": Entry("ops.cli.local", "Stop them; with --wipe their data goes too.", "down"),
    "status": Entry("ops.cli.local", "Show what runs, and whether it is ready.", "status"),
    "migrate": Entry("ops.cli.migrating", "Bring the databases up to date, before the code that needs it.", "migrate"),
    "doctor": Entry("ops.cli.doctor", "Check a deployment: what is not well, why it matters, what to do.", "doctor"),
    "top": Entry("ops.cli.top", "Watch it live: rates, lag, outboxes, parked events."),
    "env": Entry("ops.cli.access", "Print what another client needs: kcat, psql, variables.", "env"),
    "token": Entry("ops.cli.access", "Sign an access token for the local stack.", "token"),
    "topics": Entry("ops.cli.topics", "Topics, users and rights: compare, apply, list."),
    "agency": Entry("ops.cli.agency", "Kafka users of agencies: make, rotate, revoke, list."),
    "consumer": Entry("ops.cli.consumer", "A consumer group: go back to a moment, to read again."),
    "relay": Entry("ops.cli.relay", "Relays: who publishes each shard, its cursor, what waits."),
    "lag": Entry("ops.cli.lag", "How far each consumer is behind.", "lag"),
    "parked": Entry("ops.cli.parked", "Events that could not be applied: list, show, redrive, discard."),
    "trail": Entry("ops.cli.trail", "What operators did: list, and verify that nothing was changed."),
    "erase": Entry("ops.cli.erasing", "Show what an erasure destroys, and carry out a granted request.", "erase"),
    "erasures": Entry("ops.cli.erasing", "List requests to erase, and those past their deadline.", "erasures"),
    "erasure-notices": Entry("ops.cli.notices", "Agencies told of erasures: who acknowledged, whom to chase."),
    "import": Entry("ops.cli.importing", "Import spreadsheets, or check them without a running stack."),
    "keys": Entry("ops.cli.keys", "Key-encryption keys: which are needed, and rotating them without downtime."),
    "audit": Entry("ops.cli.audit", "Prove that nothing is lost, doubled, reordered or missing."),
    "backup": Entry("ops.cli.backup", "Dump all databases into a folder, while work goes on.", "backup"),
    "restore": Entry("ops.cli.backup", "Bring a backup back into empty databases.", "restore"),
    "drill": Entry("ops.cli.backup", "Restore a backup beside the live platform, and audit it.", "drill"),
    "rebuild": Entry("ops.cli.rebuild", "Rebuild a projection without downtime."),
    "dashboard": Entry("ops.cli.dashboard", "Show the dashboard in the terminal."),
    "figures": Entry("ops.cli.figures", "Trainings, exhibitions, mentoring, and who was never helped."),
    "report": Entry("ops.cli.report", "The numbers of a year, by kecamatan: table, JSON, HTML, XLSX."),
    "explain": Entry("ops.cli.explain", "Show the businesses and events behind a number."),
    "disclosures": Entry("ops.cli.disclosures", "Which agency was given what: for an owner, or after a breach."),
    "contracts": Entry("ops.cli.contracts", "Contracts of the events: check, diff, release, list, readers, AsyncAPI."),
    "demo": Entry("ops.cli.demo", "Run the main job on real input, from spreadsheets to the audit."),
}


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and imports one only when it is asked for."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the names of the commands that this checkout has."""
        return [name for name, entry in COMMANDS.items() if find_spec(entry.module) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None or find_spec(entry.module) is None:
            return None
        command = get_command(import_module(entry.module).app)
        if entry.command is not None and isinstance(command, TyperGroup):
            command = command.get_command(ctx, entry.command) or command
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


app = typer.Typer(
    name="naikkelas",
    cls=LazyGroup,
    help="Naik Kelas: the local stack, and what an operator does.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _naikkelas() -> None:
    """Naik Kelas: the local stack, and what an operator does."""


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def run(arguments: list[str] | None = None) -> None:
    """Run the command and end the process: 0 done, 1 it failed, 2 wrong usage, 130 interrupted."""
    # A command that is asked to end cleans up as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    # Standard output is for answers; what the shared code logs goes where the progress is told.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(words, prog_name="naikkelas")
    except StackError as error:
        fail(str(error), as_json="--json" in words)
    except KeyboardInterrupt:
        sys.exit(130)
