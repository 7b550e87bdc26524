"""The command line of a service, and what all services do alike."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

from shared.database import create_pool, kernel_migrations, migrate
from shared.idempotency import PURGE_ROWS
from shared.service import Service
from shared.settings import WRONG_SETTINGS, ServiceSettings
from shared.web.api import purge_keys
from tests.stack.servers import Database

ROOT = Path(__file__).parents[2]
USAGES = {
    "registry": "usage: python -m services.registry api | worker | relay | all | migrate\n",
    "training": "usage: python -m services.training api | worker | relay | all | migrate\n",
    "events": "usage: python -m services.events api | worker | relay | all | migrate\n",
    "projections": "usage: python -m services.projections api | worker | all | migrate | rebuild PROJECTION…\n",
    "notifications": "usage: python -m services.notifications api | worker | all | migrate\n",
    "partners": "usage: python -m services.partners api | worker | relay | all | migrate\n",
}
NOWHERE = "postgresql://{}@127.0.0.1:1/registry"


def run(service: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a service's command with these variables and no others."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-m", f"services.{service}", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


async def _idle(_settings: ServiceSettings, _stop: asyncio.Event) -> None:
    """End at once."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service[ServiceSettings]:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    return Service("uji", ServiceSettings, lambda: kernel_migrations("idempotency"), {"api": _idle}, ("sapu LANTAI",))


@pytest.mark.parametrize("arguments", [[], ["worker"], ["api", "api"], ["--help"], ["sapu"], ["migrate", "now"]])
def test_what_is_no_command_is_told_the_commands(
    service: Service[ServiceSettings], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert service.main(arguments) == 2
    assert capsys.readouterr() == ("", "usage: python -m services.uji api | migrate | sapu LANTAI\n")


@pytest.mark.parametrize("name", sorted(USAGES))
def test_what_a_process_runs_is_where_its_service_says(name: str) -> None:
    declared = import_module(f"services.{name}.processes").SERVICE
    assert [what for what in declared.processes.values() if not callable(declared.loaded(what))] == []
    assert declared.loaded(declared.migrations)()


def loaded_by(name: str, process: str) -> set[str]:
    """Return what a process holds before it has read its settings: modules of its service (``.working``) and packages (``fastapi``)."""
    script = (
        f"import sys; from services.{name}.processes import SERVICE; SERVICE.loaded(SERVICE.processes['{process}']);"
        f" print(*(m.removeprefix('services.{name}') for m in sys.modules if m.startswith('services.{name}.') or m == 'opentelemetry.sdk' or '.' not in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", sorted(name for name, usage in USAGES.items() if "relay" in usage))
def test_a_relay_holds_nothing_of_its_service_and_of_the_web(name: str) -> None:
    found = loaded_by(name, "relay")
    assert {module for module in found if module.startswith(".")} == {".processes", ".settings"}
    assert not {"fastapi", "joserfc", "faststream", "typer", "opentelemetry", "requests"} & found


@pytest.mark.parametrize("name", sorted(USAGES))
def test_api_and_worker_hold_nothing_of_each_other(name: str) -> None:
    worker, api = loaded_by(name, "worker"), loaded_by(name, "api")
    assert {".working", ".app", ".api", "fastapi"} & worker == {".working"}
    assert {".working", ".app", ".consumers", "fastapi"} & api == {".app", "fastapi"}
    # FastAPI and FastStream look whether OpenTelemetry is there; what costs memory is its SDK and what that brings.
    assert not {"opentelemetry.sdk", "google", "requests"} & (worker | api)


@pytest.mark.parametrize("name", sorted(USAGES))
def test_every_service_tells_its_own_commands(name: str) -> None:
    done = run(name, "terbang")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", USAGES[name])


def test_a_process_without_settings_is_refused_in_one_sentence(
    service: Service[ServiceSettings], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        service.main(["api"])
    assert ended.value.code == WRONG_SETTINGS == os.EX_CONFIG
    assert capsys.readouterr().err.startswith("Cannot start: DATABASE_DSN, KAFKA_BOOTSTRAP, ")


@pytest.mark.parametrize("name", sorted(USAGES))
def test_migrate_without_the_owners_login_is_refused_in_one_sentence(name: str) -> None:
    done = run(name, "migrate", DATABASE_DSN=NOWHERE.format(name))
    assert (done.returncode, done.stdout) == (WRONG_SETTINGS, "")
    assert done.stderr == "Cannot migrate: MIGRATION_DSN is not set.\n"


def test_migrate_refuses_a_weak_login_in_production() -> None:
    dsn = NOWHERE.format("registry:password")
    done = run("registry", "migrate", PROFILE="production", DATABASE_DSN=dsn, MIGRATION_DSN=dsn)
    assert done.returncode == WRONG_SETTINGS
    assert "MIGRATION_DSN holds a secret" in done.stderr


async def test_migrate_needs_no_other_variables(empty_db: Database) -> None:
    logins = {"DATABASE_DSN": empty_db.dsn, "MIGRATION_DSN": empty_db.migrate_dsn}
    done = await asyncio.to_thread(run, "registry", "migrate", **logins)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"event":"migrated"' in done.stdout
    running = await asyncpg.connect(empty_db.dsn)
    try:
        assert await running.fetchval("SELECT count(*) FROM owner") == 0
    finally:
        await running.close()


async def test_old_keys_are_forgotten_and_young_ones_kept(empty_db: Database) -> None:
    await migrate(
        empty_db.migrate_dsn, kernel_migrations("idempotency"), {"app_role": "registry", "audit_role": "audit"}
    )
    async with await create_pool(empty_db.dsn) as pool:
        await pool.execute(
            "INSERT INTO idempotency_key (id, fingerprint, created_at)"
            " SELECT sha256(n::text::bytea), '', now() - CASE WHEN n = 0 THEN '1 h' ELSE '2 d' END::interval"
            " FROM generate_series(0, $1::int) n",
            PURGE_ROWS + 5,
        )
        stop = asyncio.Event()
        purging = asyncio.create_task(purge_keys(pool, stop))
        async with asyncio.timeout(30):
            while await pool.fetchval("SELECT count(*) FROM idempotency_key") > 1:
                await asyncio.sleep(0.02)
            stop.set()
            await purging
        assert await pool.fetchval("SELECT count(*) FROM idempotency_key") == 1
