"""PostgreSQL's own programs: those of the wheel, else those on the PATH. Passwords go by the environment, which nobody else reads."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ops.stack.errors import StackError
from ops.stack.postgres import find_programs

SAID_CHARACTERS = 400


class ProgramError(Exception):
    """A program of PostgreSQL failed; the text is what it said."""


def find_program(name: str) -> str:
    """Return where ``pg_dump`` or ``pg_restore`` is. Raises ``StackError``."""
    try:
        return str(find_programs() / name)
    except StackError:
        if (found := shutil.which(name)) is not None:
            return found
    raise StackError(f"{name} is not here: install the client programs of PostgreSQL 18 or put them on the PATH.")


def run(name: str, dsn: str, *words: str | Path) -> None:
    """Run a program on a database. Raises ``ProgramError``, ``StackError`` if there is none."""
    address, password = _without_password(dsn)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    command = [find_program(name), "--dbname", address, "--no-password", *map(str, words)]
    env = kept | {"PGPASSWORD": password, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        raise ProgramError(f"{name}: {' '.join(done.stderr.split())[-SAID_CHARACTERS:]}")


def version_of(name: str) -> str:
    """Return what a program says of its version, such as ``18.1``. Raises ``StackError`` if there is none."""
    done = subprocess.run([find_program(name), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def _without_password(dsn: str) -> tuple[str, str]:
    """Return an address that may be seen in the list of processes, and the password apart."""
    parts = urlsplit(dsn)
    login, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}@{host}")), unquote(parts.password or "")
