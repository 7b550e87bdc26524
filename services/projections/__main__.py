"""``python -m services.projections api | worker | all | migrate``, and ``rebuild PROJECTION…`` (see ``--help``)."""

from __future__ import annotations

import gc
import sys

gc.disable()  # what is loaded from here on stays; a process that runs switches it on again

from services.projections.processes import SERVICE


def main(arguments: list[str]) -> int:
    """Run one process or a rebuild and return the exit code."""
    if arguments[:1] == ["rebuild"]:
        from services.projections.rebuilding import rebuild_command  # a reader of command lines is no part of a process

        return rebuild_command(arguments[1:])
    return SERVICE.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
