"""The whole way on real servers and processes: registered there, trained here, certified, erased; nothing lost."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from ops.audit.audit import audit
from ops.stack import Stack
from shared.auth import Role
from tests.tracing.receiving import Receiver, receiving_spans
from tests.training.test_api import batch_form, course_form
from tests.training.test_certificates import text_of

PROCESSES = [
    "registry-api",
    "registry-relay",
    "training-api",
    "training-relay",
    "training-worker",
    "notifications-api",
    "notifications-worker",
]
SERVICES = ("registry", "training", "notifications")
MANGGAR = "64.71.01.1001"
NAME, NIB = "Siti Rahmawati, S.E.", "0123456789012"
WAIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def traces() -> Iterator[Receiver]:
    """Where the registry and the notifications send their spans."""
    with receiving_spans() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def stack(given_servers: dict[str, str], traces: Receiver) -> Iterator[Stack]:
    """Kafka, PostgreSQL, the registry and the trainings, each as its own process."""
    home = Path(tempfile.mkdtemp(prefix="naikkelas-training-"))
    made = Stack(home, environment={"NAIKKELAS_PORTS": "any", **given_servers})
    try:
        made.start_servers(owned=True)
        made.start_mailbox()
        made.extra_env["training"] = {"TICK_SECONDS": "0.2"}
        for service in ("registry", "notifications"):
            made.extra_env[service] = {"OTEL_EXPORTER_OTLP_ENDPOINT": traces.endpoint}
        made.start_services(PROCESSES)
        yield made
    finally:
        made.down(wipe=True)


class Client(AbstractContextManager["Client"]):
    """An officer's client of one service."""

    def __init__(self, stack: Stack, service: str, subject: str) -> None:
        token = stack.token([Role.PETUGAS_DINAS], subject=subject)
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(base_url=stack.api_url(service), headers=headers, timeout=30)
        self.headers = self._client.headers
        """What every request carries."""

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> httpx2.Response:
        return self._client.get(path)

    def post(self, path: str, body: Any = None, version: int | None = None) -> httpx2.Response:
        headers = {"Idempotency-Key": uuid4().hex} | ({} if version is None else {"If-Match": f'"{version}"'})
        return self._client.post(path, json=body, headers=headers)

    def new(self, path: str, body: Any = None, version: int | None = None) -> dict[str, Any]:
        made: dict[str, Any] = self.post(path, body, version).raise_for_status().json()
        return made


def until_done(attempt: Any) -> Any:
    """Try until it gives something, within a time."""
    deadline = monotonic() + WAIT_SECONDS
    found = attempt()
    while not found:
        assert monotonic() < deadline, "it did not come in time"
        sleep(0.05)
        found = attempt()
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_registered_there_trained_here_certified_and_erased(stack: Stack, traces: Receiver) -> None:
    with ExitStack() as clients:
        registry, training, told = (clients.enter_context(Client(stack, service, "petugas-a")) for service in SERVICES)
        checker = clients.enter_context(Client(stack, "registry", "petugas-b"))
        anybody = clients.enter_context(httpx2.Client(base_url=stack.api_url("training"), timeout=30))
        code = certify(stack, registry, training, checker)
        assert anybody.get(f"/certificates/check/{code}").json()["holder"] == NAME
        sent = until_done(lambda: messages(told, "certificate_issued"))
        assert sent.keys() >= {"owner_registered", "business_verified", "enrolment_accepted"}
        assert set(sent.values()) == {"sent"}
        stack.kill("training-worker")
        owner = registry.get("/owners?q=siti").json()["items"][0]
        registry.new(f"/owners/{owner['id']}/erasure", version=owner["version"])
        stack.start("training-worker")
        until_done(lambda: "dihapus atas permintaan" in anybody.get(f"/sertifikat/{code}").text)
        assert anybody.get(f"/certificates/check/{code}").json()["holder"] is None
    databases = {service: stack.dsn(service, "audit") for service in SERVICES}
    report = await audit(databases, stack.credentials("operator"), WAIT_SECONDS, lambda *_: None)
    assert (report.ok, report.findings) == (True, [])
    assert report.consumers["training"].effects == {"owner_copy": 1, "business_copy": 1, "organisation_copy": 0}
    logs = "".join(path.read_text(errors="replace") for path in stack.home.logs.glob("training-*.log"))
    assert "process_failed" not in logs
    assert NAME not in logs
    check_trace(stack, traces)


def check_trace(stack: Stack, traces: Receiver) -> None:
    """Look for the one trace from the request that registered the owner to the mail that told of it."""
    (asked,) = (span for span in traces.spans if span.name == "POST /owners")
    sent, told, mail = traces.trace_with(asked.trace_id, "send umkm.owner", "process umkm.owner", "send email")
    assert [(span.service, span.kind, span.parent) for span in (asked, sent, told, mail)] == [
        ("registry-api", "server", ""),
        ("registry-relay", "producer", asked.span_id),
        ("notifications-worker", "consumer", asked.span_id),
        ("notifications-worker", "client", told.span_id),
    ]
    assert not any(span.failed for span in (asked, sent, told, mail))
    lines = (stack.home.logs / "notifications-worker.log").read_text(errors="replace").splitlines()
    (settled,) = (line for line in lines if mail.span_id in line)
    assert json.loads(settled)["event"] == "message_settled"
    assert json.loads(settled)["trace_id"] == asked.trace_id
    assert not [
        word
        for word in (NAME, "6471014107909901", "siti@umkm.example")
        if any(word.encode() in b for b in traces.bodies)
    ]


def messages(told: Client, last: str) -> dict[str, str] | None:
    """Return template and state of all messages, once the last one has been sent."""
    found = {item["template"]: item["state"] for item in told.get("/messages").json()["items"]}
    return found if found.get(last) == "sent" else None


def certify(stack: Stack, registry: Client, training: Client, checker: Client) -> str:
    """Go the whole way with one owner, and return the code of the certificate. Its relay is killed on the way."""
    person = {"name": NAME, "nik": "6471014107909901", "kelurahan": MANGGAR, "email": "siti@umkm.example"}
    agreed = {"channel": "email", "consents": {"notifications": True}}
    owner = registry.new("/owners", person | agreed)["id"]
    form = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR, "sector": "kuliner", "nib": NIB}
    business = registry.new("/businesses", form)["id"]
    registry.new(f"/businesses/{business}/submission", version=1)
    checker.new(f"/businesses/{business}/verification", version=2)

    programme = training.new("/programmes", {"code": "DIGI", "title": "Digitalisasi UMKM"})["id"]
    asked = [{"kind": "punya_nib"}, {"kind": "terverifikasi"}, {"kind": "kelurahan", "values": [MANGGAR]}]
    course = training.new("/courses", course_form(programme, requirements=asked))["id"]
    batch = training.new(f"/courses/{course}/batches", batch_form())["id"]
    body = {"owner_id": owner, "business_id": business}

    def enrolled() -> Any:
        answer = training.post(f"/batches/{batch}/enrolments", body)
        return answer.json()["id"] if answer.status_code == 201 else None

    enrolment = until_done(enrolled)
    stack.kill("training-relay")
    present = {"presences": [{"enrolment_id": enrolment, "present": True}]}
    for session in (1, 2):
        training.new(f"/batches/{batch}/sessions/{session}/attendance", present)
    training.new(f"/batches/{batch}/results", {"marks": [{"enrolment_id": enrolment}]})
    stack.start("training-relay")
    certificate = training.new(f"/enrolments/{enrolment}/certificate")["id"]
    pdf = training.get(f"/certificates/{certificate}/pdf").raise_for_status().content
    assert NAME in text_of(pdf)
    return str(training.get(f"/certificates/{certificate}").json()["code"])
