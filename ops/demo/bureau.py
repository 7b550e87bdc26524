"""The partner service as the office and an agency use it, over HTTP: agreements that two people sign, webhooks, the Kafka user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from ops.audit.log import read_headers
from ops.demo.examples import READERS, RECEIVERS, Access, Made
from ops.kafka_admin import agencies
from ops.kafka_admin.client import kcat_config, operator_client
from ops.kafka_admin.quotas import limit_users
from ops.kafka_admin.rights import SLOTS, agency_user
from ops.stack import Stack
from ops.stack.home import write_private
from ops.stack.java import Say
from ops.stack.processes import HOST, free_port
from shared.auth import Role
from shared.broker import KafkaSettings
from shared.contracts.registry import BusinessRegistered, BusinessVerified
from shared.envelope import headers_of

Grants = Mapping[str, Sequence[str]]
"""CloudEvents type → the fields that are granted of it."""
ALL_WAYS = ("kafka", "webhook", "feed")
CONF = "agency.conf"
GRANTS: Grants = {
    BusinessRegistered.type_name(): ["business_id", "kelurahan", "sector", "kelas"],
    BusinessVerified.type_name(): ["business_id"],
}
"""What the demo's agreement opens: two of the types that a case brings, and not the owners, the sales, the returns."""


def granted_of_case(number: int) -> int:
    """Return how many events of ``Office.case`` are of these types: it verifies four of five."""
    return 1 if number % 5 == 0 else 2


class Bureau:
    """Two officers who sign agreements, and the programs of agencies."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._client = httpx2.Client(base_url=stack.api_url("partners"), timeout=60)
        self._signers = [stack.token([Role.OPERATOR], subject=name) for name in ("petugas-a", "petugas-b")]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def token(self, agency: str) -> str:
        """Return the token of an agency's program."""
        return self._stack.token([Role.INSTANSI], subject=f"program-{agency}", agency=agency)

    def _post(self, path: str, token: str, body: Any = None, version: int | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer: dict[str, Any] = self._client.post(path, json=body, headers=headers).raise_for_status().json()
        return answer

    def _get(self, path: str, token: str) -> dict[str, Any]:
        answer = self._client.get(path, headers={"Authorization": f"Bearer {token}"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def agree(self, agency: str, grants: Grants, ways: Sequence[str] = ALL_WAYS) -> str:
        """Write an agreement that counts from now, let two people sign it, and return its id."""
        now = datetime.now(UTC)
        form = {
            "agency": agency,
            "title": f"Instansi {agency}",
            "legal_basis": "tanpa_data_pribadi",
            "legal_reference": "PKS contoh/2026",
            "purpose": "Contoh pembacaan peristiwa",
            "contact": "Seksi Data",
            "grants": [{"type": name, "fields": list(fields)} for name, fields in grants.items()],
            "ways": list(ways),
            "starts_at": (now - timedelta(minutes=1)).isoformat(),
            "expires_at": (now + timedelta(days=1)).isoformat(),
        }
        agreement = str(self._post("/agreements", self._signers[0], form)["id"])
        for signer in self._signers:
            self._post(f"/agreements/{agreement}/signatures", signer, None, self._version(f"/agreements/{agreement}"))
        return agreement

    def _version(self, path: str) -> int:
        return int(self._get(path, self._signers[0])["version"])

    def suspend(self, agreement: str) -> None:
        """Stop everything that an agreement opens."""
        path = f"/agreements/{agreement}"
        self._post(f"{path}/suspension", self._signers[0], {"cause": "dugaan_pelanggaran"}, self._version(path))

    def resume(self, agreement: str) -> None:
        """Go on after a suspension."""
        path = f"/agreements/{agreement}"
        self._post(f"{path}/resumption", self._signers[0], None, self._version(path))

    def register_webhook(self, agency: str, url: str) -> tuple[str, str]:
        """Register an endpoint that is told everything from the first event; return its id and its secret."""
        made = self._post("/webhooks", self.token(agency), {"url": url, "start": "awal"})
        return str(made["id"]), str(made["secret"])

    def send_test(self, agency: str, webhook: str) -> None:
        """Let a test be posted to an endpoint."""
        version = int(self._get(f"/webhooks/{webhook}", self.token(agency))["version"])
        self._post(f"/webhooks/{webhook}/tests", self.token(agency), None, version)


def make_kafka_user(operator: KafkaSettings, agency: str, file: Path) -> None:
    """Make an agency's topic and user, and write what its client needs, as ``naikkelas agency create-user`` prints it.

    Raises ``AgencyUserError``, ``QuotaError``, ``KafkaException``.
    """
    agencies.check_code(agency)
    limit_users(operator, [agency_user(agency, slot) for slot in SLOTS])
    access = agencies.create_user(operator_client(operator), agency)
    config = kcat_config(replace(operator, username=access.user, password=access.password))
    write_private(file, "".join(f"{name}={value}\n" for name, value in config.items()))


def make_example(name: str, stack: Stack, bureau: Bureau, access: Access, say: Say) -> Made:
    """Return an example that is ready to start: its endpoint is registered, or its Kafka user is made where there was none.

    Where it cannot be tried the reason is returned. Raises what ``register_webhook`` and ``make_kafka_user`` do.
    """
    access = replace(access, url=stack.api_url("partners"), token=bureau.token(access.agency))
    if name in RECEIVERS:
        access = replace(access, port=free_port(0))
        if isinstance(made := RECEIVERS[name](access, say), str):
            return made
        secret = bureau.register_webhook(access.agency, f"http://{HOST}:{access.port}/")[1]
        return RECEIVERS[name](replace(access, secret=secret), say)
    conf = access.folder / CONF
    if name.startswith("kafka") and not conf.exists():
        make_kafka_user(stack.credentials("operator"), access.agency, conf)
    return READERS[name](access, say)


async def published(operator: KafkaSettings, topic: str, types: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return id, subject and sequence of each event of some types that a topic holds now, from Kafka itself."""
    found = []
    async for _, raw in read_headers(operator, [topic], lambda *_: None):
        headers = {name: value.decode() for name, value in headers_of(raw).items()}
        if headers["ce_type"] in types:
            found.append((headers["ce_id"], headers["ce_subject"], int(headers["ce_sequence"])))
    return found
