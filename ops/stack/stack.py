"""The stack: servers, mailbox and services, started in order, stopped in reverse."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import psutil

from ops.ledger import migrations_of
from ops.stack import processes, telephones, tokens
from ops.stack.databases import owner_of
from ops.stack.errors import StackError
from ops.stack.home import NEEDED_MB, Home, Record
from ops.stack.java import Say
from ops.stack.processes import HOST, Started, wait_until
from ops.stack.servers import Servers
from ops.stack.services import (
    MAILBOX,
    PROCESSES,
    READY_SECONDS,
    ROOT,
    Process,
    find_process,
    inherited,
    is_ready,
    platform_of,
    present,
)
from shared.auth import Role
from shared.broker import KafkaSettings
from shared.database import SERVER_ERRORS, MigrationBlockedError, MigrationChangedError
from shared.service import run_migrations
from shared.settings import DatabaseSettings, SettingsError

MAILBOX_PORT = 11_025
KEEPER = "keeper"
ASKING_FOR_KEYS = ("training", "notifications", "partners")
"""Services that get owners' keys from the registry, each with a token of its own."""
MIGRATION_ERRORS: tuple[type[Exception], ...] = (
    SettingsError,
    MigrationBlockedError,
    MigrationChangedError,
    *SERVER_ERRORS,
)
SERVICE_STOP_SECONDS = 20.0
"""Longer than the time in which a service drains by itself (``DRAIN_SECONDS``)."""


def default_home() -> Path:
    """Return the folder named in ``NAIKKELAS_HOME``, else ``.naikkelas`` beside the code."""
    return Path(os.environ.get("NAIKKELAS_HOME") or ROOT / ".naikkelas")


class Stack:
    """One stack in its folder. As a context manager it is taken down at the end.

    with Stack(folder) as stack:
        stack.up()                       # servers, mailbox, services, all ready
        stack.kill("registry-relay")     # as a power cut would; it stays dead
        stack.start("registry-relay")
        stack.api_url("registry"), stack.token([Role.OPERATOR]), stack.dsn("registry", "audit")
    """

    def __init__(
        self, home: Path | None = None, *, say: Say = lambda _text: None, environment: Mapping[str, str] = os.environ
    ) -> None:
        self.home = Home(home or default_home())
        self._say = say
        self.servers = Servers(self.home, say, environment)
        self.extra_env: dict[str, dict[str, str]] = {}
        """Process name or service → variables that win over the stack's own, for tests and the demo."""
        self.prefixes: dict[str, list[str]] = {}
        """Process name → words before its command, for tests: what puts it into a network of its own."""

    # -- starting ------------------------------------------------------------------------------------------------

    def up(
        self,
        names: Iterable[str] | None = None,
        *,
        restart: bool = False,
        owned: bool = False,
        brokers: int | None = None,
    ) -> None:
        """Start servers, mailbox and services. Raises ``StackError``; what was started before that is left running.

        ``names`` are the processes of services (default: all). With ``restart`` a keeper starts dead services again;
        with ``owned`` it takes everything down when the calling process is gone. ``brokers``: nodes of Kafka, from its first
        start on (default: as it was, or one).
        """
        self.start_servers(owned=owned, brokers=brokers)
        self.start_mailbox()
        self.start_services(names)
        if restart and not owned:
            self._start_keeper("--restart")

    def start_servers(self, *, owned: bool = False, needed_mb: int = NEEDED_MB, brokers: int | None = None) -> None:
        """Start Kafka and PostgreSQL, with databases, logins, topics, users and rights. Raises ``StackError``.

        Does nothing where they run; cleans up first where an earlier stack died half.
        """
        self.home.prepare(needed_mb)
        with self.home.locked():
            if brokers is not None:
                self.servers.set_brokers(brokers)
            running = self.home.read().processes
            for name in self.servers.fallen({name for name, started in running.items() if started.alive}):
                self.servers.start_one(name)
            if self._servers_run(self.home.read().processes):
                self.servers.prepare()
                return
            self.clean()
            if owned:
                self._start_keeper("--owner", str(os.getpid()))
            self.servers.start()
            self.servers.prepare()
            tokens.write_public_keys(self.home)

    def _servers_run(self, running: Mapping[str, Started]) -> bool:
        embedded = self.servers.embedded
        return bool(embedded) and all(name in running and running[name].alive for name in embedded)

    def start_mailbox(self) -> None:
        """Start what keeps mails in ``mail/`` and messages to telephones in ``telephones/``, unless it runs."""
        running = self.home.read().processes.get(MAILBOX)
        if running is not None and running.alive:
            return
        port = self.servers.port(MAILBOX, MAILBOX_PORT)
        phones, api = self.servers.port(telephones.NAME, telephones.PORT), find_process("notifications-api")
        callback = f"http://{HOST}:{self.servers.port(api.name, api.port)}"
        command = [sys.executable, "-m", "ops.stack.mailbox", str(self.home.mail), str(port)]
        command += [str(self.home.telephones), str(phones), callback]
        self._launch(MAILBOX, command, inherited() | telephones.secrets_of(self.home.secret), port)
        if not wait_until(lambda: processes.accepts(port), READY_SECONDS):
            raise StackError(f"The mailbox did not start; its log is {self.home.logs / 'mailbox.log'}.")

    def start_services(self, names: Iterable[str] | None = None, *, wait: bool = True) -> list[str]:
        """Migrate, start the processes that do not run yet, and wait until all are ready. Return what was started.

        Raises ``StackError`` with the cause of the first that does not become ready.
        """
        chosen = present([find_process(name) for name in names] if names is not None else PROCESSES)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.migrate, dict.fromkeys(process.service for process in self._missing(chosen))))
        return self._start_missing(chosen, wait=wait)

    def _missing(self, chosen: Sequence[Process]) -> list[Process]:
        running = self.home.read().processes
        return [process for process in chosen if process.name not in running or not running[process.name].alive]

    def _start_missing(self, chosen: Sequence[Process], *, wait: bool) -> list[str]:
        missing = self._missing(chosen)
        for process in missing:
            # All ports are given away first, so that each process can be told where the others are.
            self.servers.port(process.name, process.port)
        for process in missing:
            self._launch_service(process)
        if wait:
            self.wait_ready([process.name for process in chosen])
        return [process.name for process in missing]

    def start(self, *names: str, wait: bool = True) -> None:
        """Start single processes or servers, whose databases were brought up to date with the stack. Raises ``StackError``."""
        for name in self.servers.embedded:
            if name in names:
                self.servers.start_one(name)
        chosen = [find_process(name) for name in names if name not in self.servers.embedded]
        self._start_missing(chosen, wait=wait)

    def start_again(self, name: str) -> None:
        """Start a service's process that died, without waiting, or the mailbox, and count that."""
        if name == MAILBOX:
            self.start_mailbox()
        else:
            process = find_process(name)
            self.servers.port(name, process.port)
            self._launch_service(process)
        self.home.change(lambda record: record.restarts.update({name: record.restarts.get(name, 0) + 1}))

    def migrate(self, service: str) -> None:
        """Do what ``python -m services.<service> migrate`` does, without a process for it. Raises ``StackError``."""
        env = self.env_for(service)
        settings = DatabaseSettings(database_dsn=env["DATABASE_DSN"], migration_dsn=env["MIGRATION_DSN"])
        try:
            asyncio.run(run_migrations(service, migrations_of(service), settings))
        except MIGRATION_ERRORS as error:
            raise StackError(f"The database of {service} could not be brought up to date: {error}") from error

    def _launch_service(self, process: Process) -> None:
        port = self.home.read().ports[process.name]
        command = [*self.prefixes.get(process.name, ()), *process.command()]
        self._launch(process.name, command, self.env_for(process.name), port)

    def _launch(self, name: str, command: list[str], env: dict[str, str], port: int | None) -> None:
        env = env | {"NAIKKELAS_HOME": str(self.home.path), "NAIKKELAS_PROCESS": name}
        started = processes.start(command, log=self.home.logs / f"{name}.log", env=env, cwd=ROOT, port=port)
        self.home.change(lambda record: record.processes.update({name: started}))

    def _start_keeper(self, *options: str) -> None:
        command = [sys.executable, "-m", "ops.stack.keeper", str(self.home.path), *options]
        # The keeper starts services again, so it needs what names given servers; it runs as the operator anyway.
        self._launch(KEEPER, command, dict(os.environ) | {"PYTHONPATH": str(ROOT)}, None)

    def wait_ready(self, names: Iterable[str], seconds: float = READY_SECONDS) -> None:
        """Wait until the processes say that they are ready. Raises ``StackError`` with the cause of one that does not."""
        deadline = monotonic() + seconds
        for name in names:
            started = self.home.read().processes[name]
            answer = ""

            def settled(started: Started = started) -> bool:
                nonlocal answer
                ready, answer = is_ready(started.port or 0)
                return ready or not started.alive

            wait_until(settled, max(1.0, deadline - monotonic()))
            log = self.home.logs / f"{name}.log"
            if not started.alive:
                raise StackError(f"{name} died while it started; its log ({log}) ends with:\n{processes.tail(log, 5)}")
            if not is_ready(started.port or 0)[0]:
                raise StackError(f"{name} did not become ready ({answer}); its log is {log}.")
            self._say(f"{name} is ready on port {started.port}")

    # -- stopping ------------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """Kill a process as a power cut would; it stays dead until it is started. Raises ``KeyError``."""
        processes.kill(self._forget(name))

    def stop(self, name: str) -> bool:
        """Stop a process in order; ``False`` if it had to be killed. Raises ``KeyError``."""
        started = self._forget(name)
        if self.servers.is_one(name):
            return self.servers.stop(name, started)
        return processes.stop(started, seconds=SERVICE_STOP_SECONDS)

    def pause(self, name: str, *, go_on: bool = False) -> None:
        """Freeze a process, or let it go on."""
        processes.send(self.home.read().processes[name], signal.SIGCONT if go_on else signal.SIGSTOP)

    def _forget(self, name: str) -> Started:
        found: list[Started] = []
        self.home.change(lambda record: found.append(record.processes.pop(name)))
        return found[0]

    def down(self, *, wipe: bool = False) -> list[str]:
        """Stop everything, services first, and return what ran. With ``wipe`` the folder goes too."""
        stopped = self.clean() if self.home.path.exists() else []
        if wipe and self.home.path.exists():
            self.home.wipe()
        return stopped

    def clean(self) -> list[str]:
        """Stop what the record names and whatever else belongs to this folder; return the names of what ran."""
        record = self.home.read()
        alive = [name for name, started in record.processes.items() if started.alive]
        if any(name not in alive for name in self.servers.embedded) and alive:
            self._say(f"an earlier stack is half dead; stopping what is left of it: {', '.join(alive)}")
        servers = [name for name in record.processes if self.servers.is_one(name)]
        services = [name for name in record.processes if name not in servers]
        for group in (services, servers):
            with ThreadPoolExecutor(max(1, len(group))) as pool:
                list(pool.map(self._stop_quietly, group))
        return alive + self._stop_strays()

    def _stop_quietly(self, name: str) -> None:
        started = self.home.read().processes.get(name)
        if started is None or (name == KEEPER and started.pid == os.getpid()):
            return
        if not self.stop(name):
            self._say(f"{name} did not stop by itself and was killed")

    def _stop_strays(self) -> list[str]:
        """End processes of this folder that no record names: their record was lost, or was written by a dying command."""
        marks = {str(folder / "server.properties") for folder in self.servers.folders()}
        marks.add(str(self.home.postgres / "data"))
        strays = [p for p in psutil.process_iter() if p.pid != os.getpid() and self._is_ours(p, marks)]
        for stray in strays:
            self._say(f"ending process {stray.pid}, left over from an earlier stack")
            processes.stop(Started(stray.pid, stray.create_time(), "stray"), seconds=5.0)
        return [f"process {stray.pid}" for stray in strays]

    def _is_ours(self, process: psutil.Process, marks: set[str]) -> bool:
        try:
            if marks & set(process.cmdline()):
                return True
            name, environment = process.name(), process.environ() if "python" in process.name() else {}
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False
        marked = environment.get("NAIKKELAS_HOME") == str(self.home.path) and "NAIKKELAS_PROCESS" in environment
        return "python" in name and marked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # -- asking --------------------------------------------------------------------------------------------------

    def record(self) -> Record:
        """Return what runs, with ports and restarts."""
        return self.home.read()

    def credentials(self, principal: str) -> KafkaSettings:
        """Return how a principal reaches Kafka."""
        return self.servers.credentials(principal)

    def dsn(self, database: str, login: str) -> str:
        """Return the DSN of a database for a login, for example ``dsn("registry", "audit")``."""
        return self.servers.dsn(database, login)

    def api_url(self, service: str) -> str:
        """Return the base URL of a service's API."""
        return f"http://{HOST}:{self.home.read().ports[f'{service}-api']}"

    def token(self, roles: Iterable[Role], *, subject: str = "local", **claims: Any) -> str:
        """Return an access token of this stack."""
        return tokens.make_token(self.home, list(roles), subject=subject, **claims)

    def env_for(self, name: str) -> dict[str, str]:
        """Return the whole environment of a process, or of any process of a service."""
        process = find_process(name) if "-" in name else Process(name, "api", 0)
        own = self._settings(process)
        return (
            {given: value for given, value in inherited().items() if given.removesuffix("_FILE") not in own}
            | own
            | self.extra_env.get(process.service, {})
            | self.extra_env.get(name, {})
        )

    def _settings(self, process: Process) -> dict[str, str]:
        service, ports = process.service, self.home.read().ports
        broker = self.credentials(service)
        return {
            "DATABASE_DSN": self.dsn(service, service),
            "MIGRATION_DSN": self.dsn(service, owner_of(service)),
            "KAFKA_BOOTSTRAP": broker.bootstrap,
            "KAFKA_USERNAME": broker.username,
            "KAFKA_PASSWORD": broker.password,
            "KAFKA_SECURITY_PROTOCOL": broker.security_protocol,
            "KAFKA_CA_FILE": broker.ca_file or "",
            "JWT_ISSUER": tokens.ISSUER,
            "JWT_AUDIENCE": tokens.AUDIENCE,
            "JWKS": str(self.home.jwks),
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(ports.get(process.name, process.port)),
            "INSTANCE": process.instance,
            # Who starts the stack knows what else the machine does.
            "NICE": os.environ.get("NICE") or str(process.nice),
            "REQUESTS_PER_SECOND": "0",  # here one token is everybody, and load is put on it
            "SCHEMAS_URL": f"http://{HOST}:{ports.get('registry-api', 18_001)}/schemas/",
        } | self._own_settings(service, ports)

    def _own_settings(self, service: str, ports: Mapping[str, int]) -> dict[str, str]:
        if service == "registry":
            return {"KEY_ENCRYPTION_KEY": self.home.key_encryption_key(), "UPLOAD_DIR": str(self.home.uploads)}
        if service not in ASKING_FOR_KEYS:
            return {"PLATFORM": platform_of(ports)} if service == "projections" else {}
        asking = {
            "REGISTRY_URL": f"http://{HOST}:{ports.get('registry-api', 18_001)}",
            "SERVICE_TOKEN_FILE": str(tokens.write_service_token(self.home, service)),
        }
        if service == "training":
            return asking | {"PUBLIC_URL": f"http://{HOST}:{ports.get('training-api', 18_004)}"}
        if service == "partners":
            return asking | {
                "CURSOR_KEY": self.home.secret("partners.cursor_key"),
                "WEBHOOK_KEY": self.home.webhook_key(),
                "WEBHOOK_NETWORKS": "127.0.0.0/8",  # an agency's receiver runs on this machine too
            }
        phones = ports.get(telephones.NAME, telephones.PORT)
        return (
            asking
            | telephones.notifications_settings(self.home.secret, phones)
            | {
                "SMTP_HOST": HOST,
                "SMTP_PORT": str(ports.get(MAILBOX, MAILBOX_PORT)),
                "MAIL_FROM": "DKUMKMP Balikpapan <naikkelas@umkm.example>",
                "PUBLIC_URL": f"http://{HOST}:{ports.get('notifications-api', 18_003)}",
                "UNSUBSCRIBE_KEY": self.home.secret("notifications.unsubscribe_key"),
                "OFFICER_ADDRESS": "petugas@umkm.example",
                "RATE_EMAIL_PER_MINUTE": "6000",
                "QUIET_HOURS": "",  # who tries it at night wants to see the messages too
            }
        )
