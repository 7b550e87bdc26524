"""The command ``rebuild PROJECTION…``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import orjson
import typer
import uvloop
from aiokafka.errors import KafkaError

from services.projections.commands import UNNAMED, Projection, RebuildProjections, RollBackProjections
from services.projections.handlers.rebuilding import RebuildRefusedError, RebuildResult
from services.projections.processes import SERVICE
from services.projections.working import rebuild, roll_back
from shared.database import SERVER_ERRORS
from shared.process import tune_interpreter
from shared.settings import SettingsError

DIFFERENT = 3
"""Exit code of a rebuild whose rows differ from the live ones; nothing was swapped."""


def rebuild_command(arguments: list[str]) -> int:
    """Run a rebuild and return the exit code."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(run_rebuild)
    app(arguments, prog_name="python -m services.projections rebuild")
    return 0


def run_rebuild(
    projections: Annotated[list[Projection], typer.Argument(help="What to rebuild; several are read in one pass.")],
    swap: Annotated[bool, typer.Option(help="Put the new generation in the place of the live one.")] = True,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the generation before.")] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="Swap although rows differ: after a rule was mended.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Who asks for it, for the trail.")] = UNNAMED,
) -> None:
    """Rebuild projections beside live traffic. Prints a JSON object per line: progress, then ``result`` or ``error``."""
    settings = SERVICE.load()
    chosen = tuple(dict.fromkeys(projections))
    if rollback:
        work = roll_back(settings, RollBackProjections(chosen, by), _tell)
    else:
        work = rebuild(settings, RebuildProjections(chosen, swap, accept_differences, by), _tell)
    tune_interpreter()
    try:
        result = uvloop.run(work)
    except (RebuildRefusedError, SettingsError) as error:
        _print({"error": str(error)})
        raise typer.Exit(1) from None
    except (KafkaError, *SERVER_ERRORS) as error:
        _print({"error": f"{type(error).__name__}: {error}; the live tables are as they were, start it again"})
        raise typer.Exit(1) from None
    _print({"result": asdict(result)})
    raise typer.Exit(_exit_code(result, swap or rollback))


def _exit_code(result: RebuildResult, swap: bool) -> int:
    if not result.equal and not result.swapped:
        return DIFFERENT
    return 0 if result.swapped or not swap else 1


def _tell(stage: str, done: int, total: int) -> None:
    _print({"stage": stage, "done": done, "total": total})


def _print(value: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
