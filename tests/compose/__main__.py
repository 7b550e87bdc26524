"""``make test-compose``: the deployment's own files on a container engine, from empty to up, scaled, restarted and killed.

    python -m tests.compose                  # everything; some twenty minutes on two cores
    python -m tests.compose --until up       # only so far
    python -m tests.compose --cluster        # three brokers with TLS, each killed in its turn

Exit code 0: all held; 1: the platform is not as it should be, and a sentence says what was found; 2: this machine lacks something.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from shared.auth import Role
from tests.compose import steps
from tests.compose.engine import compose_plugin, some_engine
from tests.compose.load import Load
from tests.compose.platform import BrokenError, Platform
from tests.containers.images.programs import MissingProgramError

BEGAN = monotonic()


def say(text: str) -> None:
    """Tell how far it is, with the seconds since the start."""
    sys.stderr.write(f"[{monotonic() - BEGAN:5.0f} s] {text}\n")
    sys.stderr.flush()


@contextmanager
def project(folder: Path, *, cluster: bool) -> Iterator[Platform]:
    """Give the platform in an empty project; whatever became of it, nothing of it stays."""
    if left := Platform.clean():
        say(f"removed {left} containers of an earlier run")
    try:
        yield Platform(folder, cluster=cluster)
    finally:
        say(f"removed {Platform.clean()} containers, their networks and volumes")


def plan(platform: Platform, folder: Path) -> list[tuple[str, str, steps.Step]]:
    """Return the steps in order: a name, what it says, what it does."""
    load = Load(platform.url, platform.token(Role.PETUGAS_DINAS, Role.OPERATOR))
    begin: list[tuple[str, str, steps.Step]] = [
        ("shut", "nothing starts without values of its own", lambda: steps.stays_shut(platform)),
        ("build", "images of the services", platform.build),
        ("up", "docker compose up --wait", lambda: steps.comes_up(platform)),
        ("hides", "what is inside is not answered outside", lambda: steps.hides(platform)),
        ("import", "spreadsheets by HTTP", lambda: steps.imports(platform, folder / "sheets")),
        ("mails", "mails to owners", lambda: steps.mails(platform)),
        ("audit", "audit", lambda: steps.audited(platform)),
    ]
    if len(platform.brokers) > 1:
        return [*begin, ("brokers", "each broker killed in its turn", lambda: steps.loses_brokers(platform, load, say))]
    return [
        *begin,
        ("backup", "a backup of it while it runs", lambda: steps.backs_up(platform)),
        ("restore", "the backup into empty volumes", lambda: steps.restores(platform)),
        ("audit-restore", "audit", lambda: steps.audited(platform)),
        ("wide", "every service and relay to 3 copies", lambda: steps.scales(platform, load, 3)),
        ("audit-wide", "audit", lambda: steps.audited(platform)),
        ("narrow", "back to 2 copies", lambda: steps.scales(platform, load, 2)),
        ("restart", "each copy stopped and started, one after another", lambda: steps.restarts(platform, load, say)),
        ("audit-restart", "audit", lambda: steps.audited(platform)),
        ("kill", "a copy of each service, then Kafka and PostgreSQL, killed", lambda: steps.kills(platform, load, say)),
        ("audit-kill", "audit", lambda: steps.audited(platform)),
        ("one", "back to 1 copy", lambda: steps.scales(platform, load, 1)),
        ("audit-one", "audit", lambda: steps.audited(platform)),
    ]


def run(until: str | None, *, cluster: bool) -> None:
    """Run the steps up to the named one. Raises ``BrokenError`` or ``MissingProgramError``."""
    # Not below a folder that others may not enter: containers of other accounts read the secrets by their own mounts.
    with tempfile.TemporaryDirectory(prefix="naikkelas-compose-") as name, some_engine(say):
        folder = Path(name)
        compose_plugin(folder, say)
        if stand_ins := steps.has_images(say):
            say(f"stand-ins, built here, not the public images: {', '.join(stand_ins)}")
        with project(folder, cluster=cluster) as platform:
            for step, title, work in plan(platform, folder):
                say(f"{title} …")
                if told := work():
                    say(f"  {told}")
                if step == until:
                    break


def main() -> int:
    """Run what the command line asks for, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--until", metavar="STEP", help="end after this step: up, import, wide, restart, kill …")
    parser.add_argument("--cluster", action="store_true", help="three brokers that speak TLS, each killed in its turn")
    chosen = parser.parse_args()
    try:
        run(chosen.until, cluster=chosen.cluster)
    except MissingProgramError as error:
        say(str(error))
        return 2
    except BrokenError as error:
        say(f"BROKEN: {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted: what ran before this held, the rest was not tried. Containers and engine are gone.")
        return 130
    say("All held.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
