"""``naikkelas relay status`` and ``naikkelas rebuild --status``: what stands, as the databases tell it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from ops.cli.relay import RELAYING
from ops.stack import Stack
from ops.stack.databases import AUDIT
from services.projections.commands import Projection
from shared.database import connected
from shared.relay.leadership import SHARDS, Leadership
from shared.relay.relay import connect_for_locks
from tests.stack.commanding import naikkelas_here

RUNS = """
INSERT INTO rebuild_run (projections, told_at, stage, done, total, ended_at, outcome) VALUES
    ('{jobs}', now(), 'index', 9, 9, now(), 'swapped'),
    ('{jobs}', now() - interval '2 minutes', 'load', 3, 9, NULL, NULL),
    ('{jobs,class_history}', now(), 'load', 5, 9, NULL, NULL)
"""


def ask(stack: Stack, given: dict[str, str], *words: str) -> tuple[int, Any]:
    done = naikkelas_here(*words, "--json", home=stack.home.path, given=given)
    return done.returncode, json.loads(done.stdout)


def test_each_shard_of_each_relay_is_shown_and_those_that_nobody_holds_are_named(
    migrated_stack: Stack, given_servers: dict[str, str]
) -> None:
    code, told = ask(migrated_stack, given_servers, "relay", "status")
    assert (code, told["ok"], tuple(told["services"])) == (3, False, RELAYING)
    assert RELAYING == ("registry", "training", "events", "partners")
    for shards in told["services"].values():
        assert [(it["shard"], it["holder"]) for it in shards] == [(number, None) for number in range(SHARDS)]

    with asyncio.Runner() as runner:
        relay = runner.run(connect_for_locks(migrated_stack.dsn("registry", "registry"), "registry-relay"))
        assert runner.run(Leadership(relay).claim(SHARDS)) == SHARDS
        code, told = ask(migrated_stack, given_servers, "relay", "status")
        runner.run(relay.close())
    assert (code, {it["holder"] for it in told["services"]["registry"]}) == (3, {"relay registry-relay"})
    shown = naikkelas_here("relay", "status", home=migrated_stack.home.path, given=given_servers).stdout
    assert "training: nobody holds 8 shards (0, 1, 2, 3, 4, 5, 6, 7); start training-relay." in shown


def test_generations_and_rebuilds_are_shown_with_those_that_were_killed(
    migrated_stack: Stack, given_servers: dict[str, str]
) -> None:
    async def execute(statement: str, login: str = "projections_migrate") -> None:
        async with connected(migrated_stack.dsn("projections", login)) as connection:
            await connection.execute(statement)

    asyncio.run(execute(RUNS))
    try:
        code, told = ask(migrated_stack, given_servers, "rebuild", "--status")
        assert code == 0
        states = [(run["projections"], run["state"], run["stage"], run["done"]) for run in told["rebuilds"]]
        assert states[:3] == [
            (["jobs", "class_history"], "running", "load", 5),
            (["jobs"], "killed", "load", 3),
            (["jobs"], "swapped", "index", 9),
        ]
        assert {it["projection"] for it in told["generations"] if it["state"] == "live"} == set(Projection)
        _, one = ask(migrated_stack, given_servers, "rebuild", "class_history", "--status")
        assert {it["projection"] for it in one["generations"]} == {"class_history"}
        assert [run["state"] for run in one["rebuilds"]] == ["running"]
        shown = naikkelas_here("rebuild", "--status", home=migrated_stack.home.path, given=given_servers).stdout
        assert "killed" in shown
        by_audit = {"POSTGRES_DSN": migrated_stack.dsn("projections", AUDIT)}  # as the container `ops` has it
        assert ask(migrated_stack, given_servers | by_audit, "rebuild", "--status") == (0, told)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(execute("SELECT report FROM projection_generation", AUDIT))
    finally:
        asyncio.run(execute("DELETE FROM rebuild_run"))
    assert ask(migrated_stack, given_servers, "rebuild")[0] == 2
