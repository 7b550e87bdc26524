"""Health: each cause by name, bounded in time, and unknown is unhealthy."""

import asyncio
from dataclasses import dataclass
from time import monotonic

import pytest
from fastapi import FastAPI

from shared.health import Health, Pulse, watch_consumer
from shared.metrics import Metrics
from shared.web.health import health_app
from tests.kernel.web_client import LocalSettings, client_of, parsed, raw_request, served


async def fine() -> str | None:
    return None


async def away() -> str | None:
    return "no broker answers"


async def broken() -> str | None:
    raise ConnectionRefusedError("postgresql://registry:rahasia-sekali@db/registry refused")


async def stuck() -> str | None:
    await asyncio.Event().wait()
    return None


@pytest.fixture
def health() -> Health:
    return Health("registry", "worker-1", timeout=0.05)


async def test_ready_names_each_cause(health: Health) -> None:
    for name, check in {"database": fine, "kafka": away, "keys": broken, "consumer": stuck}.items():
        health.add(name, check)
    async with client_of(health_app(health)) as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "service": "registry",
        "instance": "worker-1",
        "checks": {
            "database": {"ok": True},
            "kafka": {"ok": False, "cause": "no broker answers"},
            "keys": {"ok": False, "cause": "ConnectionRefusedError: postgresql://[rahasia]@db/registry refused"},
            "consumer": {"ok": False, "cause": "no answer in time"},
        },
    }


async def test_all_well_is_200_and_live_does_not_fall_with_what_a_restart_cannot_mend(health: Health) -> None:
    health.add("kafka", away)
    assert not (await health.ready()).healthy
    assert (await health.live()).healthy
    well = Health("registry")
    well.add("database", fine)
    assert (await well.ready()).response().status_code == 200


async def test_stuck_loop_fails_both(health: Health) -> None:
    now = 100.0
    pulse = Pulse(max_age=5, clock=lambda: now)
    health.add("consumer", pulse.check, live=True)
    assert (await health.live()).causes == {"consumer": "no sign of life yet"}
    pulse.beat()
    assert await pulse.check() is None
    now = 105.0
    assert await pulse.check() is None
    now = 106.0
    assert await pulse.check() == "last sign of life 6 s ago"


async def test_process_without_checks_is_not_ready(health: Health) -> None:
    assert (await health.ready()).causes == {"process": "no check is declared"}


async def test_stopping_process_is_not_ready_but_lives(health: Health) -> None:
    health.add("database", fine)
    assert (await health.ready()).healthy
    health.stopping()
    assert (await health.ready()).causes == {"database": None, "process": "stopping"}
    assert (await health.live()).healthy


async def test_many_probes_at_once_do_not_multiply_the_checks(health: Health) -> None:
    asked = 0

    async def count() -> str | None:
        nonlocal asked
        asked += 1
        return None

    health.add("database", count)
    for _ in range(20):
        await health.ready()
    assert asked == 1


def test_one_name_stands_for_one_check(health: Health) -> None:
    health.add("database", fine)
    with pytest.raises(ValueError, match="database"):
        health.add("database", fine)


async def test_worker_process_serves_its_health_on_a_port(health: Health) -> None:
    health.add("kafka", away)
    app: FastAPI = health_app(health)
    async with served(app, LocalSettings(drain_seconds=1)) as server:
        status, _, body = await raw_request(
            server.port, b"GET /health/ready HTTP/1.1\r\nHost: uji\r\nConnection: close\r\n\r\n"
        )
    assert status == 503
    assert parsed(body)["checks"]["kafka"]["cause"] == "no broker answers"


@dataclass
class FakeConsumer:
    """A consumer whose state a test sets."""

    problem: str | None = None
    redrive_problem: str | None = None
    joined: bool = True
    progress_ago: float = 0.0
    alive: bool = True
    behind: int | None = 0
    away: str | None = None

    @property
    def progress_at(self) -> float:
        """Of now, not of when the cases were collected: a long run comes to them minutes later."""
        return monotonic() - self.progress_ago

    def tasks_alive(self) -> bool:
        return self.alive

    def positions_lag(self) -> int | None:
        return self.behind

    async def broker_cause(self) -> str | None:
        return self.away

    def measure(self, metrics: Metrics) -> None:
        assert metrics is not None


@pytest.mark.parametrize(
    ("consumer", "ready", "live"),
    [
        (FakeConsumer(), [], []),
        (FakeConsumer(joined=False, problem="starting"), ["consumer"], []),
        (FakeConsumer(problem="broker"), ["consumer"], []),
        (FakeConsumer(redrive_problem="UndefinedTableError"), ["consumer"], []),
        (FakeConsumer(away="the broker gives no answer"), ["broker"], []),
        (FakeConsumer(alive=False), ["consumer_tasks"], ["consumer_tasks"]),
        (FakeConsumer(behind=3, progress_ago=600), ["consumer_progress"], ["consumer_progress"]),
        (FakeConsumer(behind=0, progress_ago=600), [], []),
        (FakeConsumer(behind=3, progress_ago=0), [], []),
    ],
)
async def test_a_consumer_is_ready_when_it_reads_and_live_while_a_restart_would_not_help(
    consumer: FakeConsumer, ready: list[str], live: list[str]
) -> None:
    health = Health("uji")
    watch_consumer(health, consumer)
    assert [name for name, cause in (await health.ready()).causes.items() if cause] == ready
    assert [name for name, cause in (await health.live()).causes.items() if cause] == live
