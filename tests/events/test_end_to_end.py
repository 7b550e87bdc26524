"""The whole way on real servers and processes: registered there, trained there, chosen and sold here; nothing lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ops.audit.audit import audit
from ops.stack import Stack
from tests.events.test_api import JURY, exhibition_form
from tests.training.test_api import batch_form, course_form
from tests.training.test_end_to_end import Client, until_done

PROCESSES = [
    *("registry-api", "registry-relay", "training-api", "training-relay", "training-worker"),
    *("events-api", "events-relay", "events-worker"),
]
MANGGAR = "64.71.01.1001"
NAMES = ("Siti Rahmawati", "Dg. Ma'ruf")
WAIT_SECONDS = 60.0
TRAINED = {"code": "terlatih", "kind": "pelatihan", "weight": 1}


@pytest.fixture(scope="module")
def stack(given_servers: dict[str, str]) -> Iterator[Stack]:
    """Kafka, PostgreSQL, registry, trainings and exhibitions, each as its own process."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-events-"))
    made = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        made.start_servers(owned=True)
        made.start_services(PROCESSES)
        yield made
    finally:
        made.down(wipe=True)


def register(registry: Client, name: str, nik: str) -> dict[str, str]:
    """Register an owner with a business, and return both as a form takes them."""
    owner = registry.new("/owners", {"name": name, "nik": nik, "kelurahan": MANGGAR})["id"]
    form = {"owner_ids": [owner], "name": f"Warung {name}", "kelurahan": MANGGAR, "sector": "kuliner"}
    return {"owner_id": owner, "business_id": registry.new("/businesses", form)["id"]}


def train(training: Client, member: dict[str, str]) -> None:
    """Let one pass a training."""
    programme = training.new("/programmes", {"code": "DIGI", "title": "Digitalisasi UMKM"})["id"]
    course = training.new("/courses", course_form(programme))["id"]
    batch = training.new(f"/courses/{course}/batches", batch_form())["id"]

    def enrolled() -> Any:
        answer = training.post(f"/batches/{batch}/enrolments", member)
        return answer.json()["id"] if answer.status_code == 201 else None

    enrolment = until_done(enrolled)
    present = {"presences": [{"enrolment_id": enrolment, "present": True}]}
    for session in (1, 2):
        training.new(f"/batches/{batch}/sessions/{session}/attendance", present)
    training.new(f"/batches/{batch}/results", {"marks": [{"enrolment_id": enrolment}]})


def version_of(events: Client, path: str) -> int:
    return int(events.get(path).json()["version"])


def exhibit(stack: Stack, events: Client, plain: dict[str, str], trained: dict[str, str]) -> tuple[str, str]:
    """Let both apply for one place, which the trained one gets, and return both applications; processes die on the way."""
    exhibition = events.new("/exhibitions", exhibition_form(criteria=[JURY, TRAINED]))["id"]
    path = f"/exhibitions/{exhibition}"
    events.new(f"{path}/booths", {"capacity": 1})
    events.new(f"{path}/booths", {"capacity": 1, "kind": "kriya"})

    def applied(member: dict[str, str]) -> Any:
        answer = events.post(f"{path}/applications", member)
        return answer.json()["id"] if answer.status_code == 201 else None

    both = [until_done(lambda m=member: applied(m)) for member in (plain, trained)]
    until_done(lambda: events.get(f"/applications/{both[1]}").json()["history"]["trainings"])
    stack.kill("events-relay")
    scores = [{"application_id": item, "scores": {"kemasan": 60}} for item in both]
    events.new(f"{path}/scores", {"judgements": scores})
    came = events.new(f"{path}/curation", version=version_of(events, path))
    # Two waves of one place for food: both are chosen, the trained one first.
    assert (came["passed"], came["reserved"]) == (2, 0)
    events.new(f"{path}/placements")
    stack.start("events-relay")
    waves = [events.get(f"/applications/{item}").json()["wave"] for item in both]
    assert waves == [2, 1]
    first = both[1]
    events.new(f"/applications/{first}/confirmation", version=version_of(events, f"/applications/{first}"))
    events.new(f"{path}/attendance", {"presences": [{"application_id": first, "present": True}]})
    body = {"day": "2026-10-05", "amount": 750_000}
    events.new(f"/applications/{first}/sales", body, version_of(events, f"/applications/{first}"))
    return both[0], first


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_registered_and_trained_elsewhere_chosen_and_sold_here_and_erased(stack: Stack) -> None:
    with ExitStack() as clients:
        registry, training, events = (
            clients.enter_context(Client(stack, service, "petugas-a")) for service in ("registry", "training", "events")
        )
        plain = register(registry, NAMES[0], "6471014107909901")
        trained = register(registry, NAMES[1], "6471010107909902")
        train(training, trained)
        left, sold = exhibit(stack, events, plain, trained)
        stack.kill("events-worker")
        owner = registry.get(f"/owners/{plain['owner_id']}").json()
        registry.new(f"/owners/{plain['owner_id']}/erasure", version=owner["version"])
        stack.start("events-worker")
        until_done(lambda: events.get(f"/applications/{left}").json()["state"] == "mengundurkan_diri")
        assert events.get(f"/applications/{left}").json()["cause"] == "pemilik_dihapus"
        assert events.get(f"/applications/{sold}").json()["state"] == "ikut"
    services = ("registry", "training", "events")
    databases = {service: stack.dsn(service, "audit") for service in services}
    report = await audit(databases, stack.credentials("operator"), WAIT_SECONDS, lambda *_: None)
    assert (report.ok, report.findings) == (True, [])
    assert report.consumers["events"].effects == {
        "owner_copy": 2,
        "business_copy": 2,
        "enrolment_copy": 1,
        "licence_copy": 0,
        "organisation_copy": 0,
    }
    logs = "".join(path.read_text(errors="replace") for path in stack.home.logs.glob("events-*.log"))
    assert "process_failed" not in logs
    assert not [name for name in NAMES if name in logs]
