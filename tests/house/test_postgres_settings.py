"""PostgreSQL plans and vacuums in the deployment as on one machine, where everything is measured."""

from __future__ import annotations

from pathlib import Path

import yaml

from ops.stack.postgres import SETTINGS
from shared.database import connected
from tests.stack.servers import Postgres

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
CONCERNED = """
SELECT name FROM pg_settings
WHERE category ~ '^(Query Tuning|Autovacuum|Vacuuming|Resource Usage / Cost-Based Vacuum)'
   OR name IN ('work_mem', 'hash_mem_multiplier', 'maintenance_work_mem', 'autovacuum_work_mem')
"""


def deployed() -> dict[str, str]:
    """Return the settings that the deployed server is started with."""
    program, *options = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["postgres"]["command"]
    assert program == "postgres"
    assert all(option.startswith("--") and "=" in option for option in options)
    return dict(option.removeprefix("--").split("=", 1) for option in options)


async def test_planning_and_vacuuming_are_set_alike_in_the_deployment_and_on_one_machine(
    postgres_server: Postgres,
) -> None:
    async with connected(postgres_server.superuser_dsn) as connection:
        known = {row[0] for row in await connection.fetch("SELECT name FROM pg_settings")}
        concerned = {row[0] for row in await connection.fetch(CONCERNED)}
    there = deployed()
    assert set(there) <= known
    assert {"random_page_cost", "jit", "autovacuum_naptime", "work_mem"} <= concerned & set(there)
    assert {name: value for name, value in there.items() if name in concerned} == {
        name: value for name, value in SETTINGS.items() if name in concerned
    }
