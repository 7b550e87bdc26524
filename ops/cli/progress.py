"""Progress of long work: a bar for each stage on a terminal, a line for each elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ops.cli.output import say

Tell = Callable[[str, int, int], None]


@contextmanager
def stages() -> Iterator[Tell]:
    """Give a function that tells how far a stage is: a bar each on a terminal, a line each elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        told: set[str] = set()

        def tell_line(stage: str, done: int, total: int) -> None:
            if done >= total and stage not in told:
                told.add(stage)
                say(f"{stage}: {total}")

        yield tell_line
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def tell_bar(stage: str, done: int, total: int) -> None:
            task = tasks.get(stage)
            if task is None:
                task = tasks[stage] = bars.add_task(stage, total=total)
            bars.update(task, completed=done, total=total)

        yield tell_bar
