"""An office at work: officers who send files and commands over HTTP, as any client would."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from ops.stack import Stack
from shared.auth import Role

POLL_SECONDS = 0.25
RETRIES = 40
PLACES = ("64.71.01.1001", "64.71.03.1002", "64.71.05.1011", "64.71.06.1005")


class Office:
    """Clients of the services, with tokens of two officers, because who registers does not verify."""

    def __init__(self, stack: Stack, services: Iterable[str] = ("registry", "projections", "notifications")) -> None:
        self._clients = {name: httpx2.Client(base_url=stack.api_url(name), timeout=60) for name in services}
        roles = [Role.PETUGAS_DINAS, Role.OPERATOR]
        self.clerk = stack.token(roles, subject="petugas-pendaftaran")
        self.checker = stack.token(roles, subject="petugas-pemeriksa")

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()

    def get(self, service: str, path: str) -> Any:
        """Return the JSON of a GET. Raises ``httpx2.HTTPStatusError``."""
        response = self._clients[service].get(path, headers={"Authorization": f"Bearer {self.clerk}"})
        return response.raise_for_status().json()

    def send_file(self, path: Path, kelurahan: str) -> str:
        """Hand in a spreadsheet and return the import's id."""
        headers = {"Authorization": f"Bearer {self.clerk}", "Idempotency-Key": uuid4().hex}
        with path.open("rb") as file:
            response = self._clients["registry"].post(
                f"/imports?kelurahan={kelurahan}", files={"file": (path.name, file)}, headers=headers
            )
        return str(response.raise_for_status().json()["id"])

    def command(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        version: int | None = None,
        *,
        checker: bool = False,
    ) -> dict[str, Any]:
        """Run one command as a careful client does: one key, sent again while the service is away."""
        headers = {"Authorization": f"Bearer {self.checker if checker else self.clerk}", "Idempotency-Key": uuid4().hex}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        for _ in range(RETRIES):
            try:
                response = self._clients["registry"].request(method, path, json=body, headers=headers)
            except httpx2.TransportError:
                time.sleep(POLL_SECONDS)
                continue
            if response.status_code != 503:
                result: dict[str, Any] = response.raise_for_status().json()
                return result
            time.sleep(POLL_SECONDS)
        raise ConnectionError(f"the registry did not come back for {method} {path}")

    def case(self, number: int) -> int:
        """Register an owner and a business, hand in, verify or return, move some up a class; return the commands given."""
        run, place = self.command, PLACES[number % len(PLACES)]
        owner = {
            "name": f"Pemilik Langsung {number}",
            "nik": f"647206{number % 28 + 1:02d}{number // 28 % 12 + 1:02d}{50 + number // 336 % 40}{9900 + number % 100}",
            "phones": [f"08120000{number % 10_000:04d}"],
            "email": f"pemilik{number}@contoh.example",
            "channel": "email",
            "language": "en" if number % 10 == 0 else "id",
            "consents": {"notifications": number % 7 != 0},
            "kelurahan": place,
        }
        owner_id = run("POST", "/owners", owner)["id"]
        business = {
            "owner_ids": [owner_id],
            "name": f"Warung Langsung {number}",
            "kelurahan": place,
            "sector": "kuliner",
        }
        path = f"/businesses/{run('POST', '/businesses', business | {'sales': 36_000_000})['id']}"
        run("POST", f"{path}/submission", None, 1)
        if number % 5 == 0:
            run("POST", f"{path}/return", {"reason": "Foto produk belum jelas"}, 2, checker=True)
            return 4
        run("POST", f"{path}/verification", None, 2, checker=True)
        if number % 3 == 0:
            risen = {"kelas": "kecil", "basis": "dilaporkan", "year": 2026, "source": "laporan", "evidence": ["oss"]}
            run("PUT", f"{path}/class", risen, 3)
            return 5
        return 4
