"""Handing spreadsheets to the registry, file by file: what becomes of one hides nothing of the others."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from services.registry.importing.report import RESULT_NAMES

POLL_SECONDS = 0.5
ENDED = frozenset({"selesai", "ditolak", "gagal"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one file."""

    file: str
    id: str | None = None
    """Of its import, once the registry has taken it."""
    job: dict[str, Any] | None = None
    """The import, once it has ended."""
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was applied."""
        return self.job is not None and self.job["state"] == "selesai"

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        if self.job is not None:
            return {"file": self.file, "ok": self.ok, **self.job}
        return {"file": self.file, "ok": False, "id": self.id, "error": self.error}

    def told(self) -> str:
        """Return it as a line."""
        if self.job is None:
            return f"{self.file}: {self.error}"
        totals = ", ".join(f"{self.job['totals'].get(key, 0)} {name}" for key, name in RESULT_NAMES.items())
        reason = f" {self.job['reason']}" if self.job.get("reason") else ""
        return f"{self.file}: {self.job['state']} ({totals}), impor {self.id}{reason}"


class Sending:
    """Hands files to a registry. Once it does not answer it is asked no more, or each file would wait for its time-out."""

    def __init__(self, client: httpx2.Client, kelurahan: str, *, dry_run: bool) -> None:
        self._client = client
        self._kelurahan = kelurahan
        self._dry_run = dry_run
        self._lost: str | None = None
        self.answered = False
        """Whether the registry ever said anything."""

    def send(self, paths: list[Path]) -> list[Sent]:
        """Hand over all files, then wait for those that were taken. A file that is refused holds no other up."""
        taken = [self._upload(path) for path in paths]
        self._lost = None  # it may be back, and what was taken goes on meanwhile
        return [sent if sent.id is None else self._wait(sent, sent.id) for sent in taken]

    def _upload(self, path: Path) -> Sent:
        if self._lost is not None:
            return Sent(path.name, error=f"not sent: {self._lost}")
        try:
            with path.open("rb") as file:
                answer = self._client.post(
                    "/imports",
                    params={"kelurahan": self._kelurahan, "dry_run": str(self._dry_run).lower()},
                    files={"file": (path.name, file, "application/octet-stream")},
                    headers={"Idempotency-Key": f"{self._kelurahan}-{path.name}-{time.time_ns()}"},
                )
        except httpx2.TransportError as error:
            self._lost = self._silence(error)
            unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol)
            state = "not sent" if unsent else "whether it was taken is not known"
            return Sent(path.name, error=f"{state}: {self._lost}")
        self.answered = True
        if answer.status_code != 202:
            return Sent(path.name, error=f"not taken: {_problem(answer)}")
        return Sent(path.name, id=answer.json()["id"])

    def _wait(self, sent: Sent, job_id: str) -> Sent:
        while self._lost is None:
            try:
                answer = self._client.get(f"/imports/{job_id}")
            except httpx2.TransportError as error:
                self._lost = self._silence(error)
                break
            if answer.status_code != 200:
                return replace(sent, error=_goes_on(job_id, _problem(answer)))
            job: dict[str, Any] = answer.json()
            if job["state"] in ENDED:
                return replace(sent, job=job)
            time.sleep(POLL_SECONDS)
        return replace(sent, error=_goes_on(job_id, str(self._lost)))

    def _silence(self, error: httpx2.TransportError) -> str:
        return f"the registry does not answer at {self._client.base_url} ({type(error).__name__})"


def _goes_on(job_id: str, why: str) -> str:
    return f"taken as import {job_id}, which goes on in the registry; GET /imports/{job_id} tells how it ends ({why})"


def _problem(answer: httpx2.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"HTTP {answer.status_code}"
    return str(body.get("detail") or body.get("title") or f"HTTP {answer.status_code}")
