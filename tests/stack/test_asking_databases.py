"""What a command says of a database that it cannot ask, on real databases: what is wrong, and what to do."""

from __future__ import annotations

import json

import asyncpg
import pytest

from ops.cli.databases import ask_database
from tests.stack.servers import Database

REFUSED = 2


async def newest(connection: asyncpg.Connection) -> object:
    """Read what the command `trail list` reads."""
    return await connection.fetch("SELECT number FROM trail")


async def divide(connection: asyncpg.Connection) -> object:
    """Ask for what no database can tell."""
    return await connection.fetchval("SELECT 1 / 0")


def said(capsys: pytest.CaptureFixture[str], dsn: str, work: object = newest) -> tuple[object, str]:
    """Return the exit code and the sentence of a command that asks a database."""
    with pytest.raises(SystemExit) as ended:
        ask_database("training", dsn, work, as_json=True, code=REFUSED)  # type: ignore[arg-type]
    return ended.value.code, json.loads(capsys.readouterr().out)["error"]


def test_a_database_that_was_not_migrated_is_said_to_be_so(
    empty_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = (
        "The schema of training is not that of this release: `naikkelas migrate training` brings it up to date, "
        "or the container training-migrate."
    )
    assert said(capsys, empty_db.dsn) == (REFUSED, sentence)


def test_what_a_database_refuses_is_not_said_to_be_no_answer(
    training_db: Database, empty_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor = "`naikkelas doctor` tells more."
    assert said(capsys, training_db.dsn, divide) == (
        REFUSED,
        f"The database of training refuses it (division by zero): {doctor}",
    )
    gone = empty_db.dsn.replace(empty_db.name, "tidak_ada")
    assert said(capsys, gone) == (
        REFUSED,
        f'The database of training refuses it (database "tidak_ada" does not exist): {doctor}',
    )
    nobody = "postgresql://u:p@127.0.0.1:9/training"
    assert said(capsys, nobody) == (
        REFUSED,
        f"The database of training does not answer (ConnectionRefusedError): {doctor}",
    )
