"""What operators look at, put together: the last look at the platform, rebuilds, audits, and what services say to the one who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.projections.domain.platform import History
from services.projections.handlers.watching import Answered, PlatformWatch, Seen
from services.projections.store import operations
from services.projections.store.operations import AuditRun, RebuildRun
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.topology import CONSUMING
from shared.trail import KEEPING

KEPT_SECONDS = 3.0
ROWS = 20
"""Parked events of a service, and deeds, that are shown."""


@dataclass(frozen=True, slots=True)
class State:
    """What stands now."""

    seen: Seen
    audits: list[AuditRun]
    rebuilds: list[RebuildRun]
    database_away: bool = False
    """What is kept here could not be read; all else is shown, for that is when somebody looks."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the services answered to the operator."""

    parked: dict[str, list[Mapping[str, Any]]]
    """By service, the oldest of what is set aside."""
    more: frozenset[str]
    """Services that have more than is shown."""
    silent: list[str]
    """Services that did not answer."""
    trail: list[Mapping[str, Any]]
    """The newest deeds of all of them, each with its ``service``."""
    agreements: list[Mapping[str, Any]] | None
    """Of agencies; ``None``: not answered."""


class Overseer:
    """Asks for what the page shows, and passes orders on."""

    def __init__(self, pool: Pool, watch: PlatformWatch) -> None:
        self._pool = pool
        self._watch = watch

    @property
    def history(self) -> History:
        """How figures went."""
        return self._watch.history

    async def state(self) -> State:
        """Return what stands now, also while the database is away."""
        seen, kept = await asyncio.gather(self._watch.look(), self._kept())
        return State(seen, [], [], database_away=True) if kept is None else State(seen, *kept)

    async def _kept(self) -> tuple[list[AuditRun], list[RebuildRun]] | None:
        try:
            async with asyncio.timeout(KEPT_SECONDS):
                return await operations.last_audits(self._pool), await operations.last_rebuilds(self._pool, 3)
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
            return None

    async def asked(self, token: str) -> Asked:
        """Return what the services answer to whoever has this token."""
        services = [service for service in CONSUMING if service in self._watch.services]
        parked = [self._watch.ask(service, "/parked", token, {"limit": ROWS}) for service in services]
        keepers = [service for service in KEEPING if service in self._watch.services]
        trails = [self._watch.ask(service, "/trail", token, {"limit": ROWS}) for service in keepers]
        agreements = self._watch.ask("partners", "/agreements", token, {"limit": 200})
        answers = await asyncio.gather(*parked, *trails, agreements)
        found = dict(zip(services, answers, strict=False))
        deeds = list(zip(keepers, answers[len(services) : -1], strict=True))
        trail: list[Mapping[str, Any]] = [
            {**row, "service": service} for service, it in deeds if it.ok for row in it.said["items"]
        ]
        return Asked(
            parked={service: list(it.said["items"]) for service, it in found.items() if it.ok},
            more=frozenset(service for service, it in found.items() if it.ok and it.said["next"] is not None),
            silent=sorted({service for service, it in (*found.items(), *deeds) if not it.ok}),
            trail=sorted(trail, key=lambda row: str(row["at"]), reverse=True)[:ROWS],
            agreements=list(answers[-1].said["items"]) if answers[-1].ok else None,
        )

    async def open(self, service: str, parked_id: int, token: str) -> Answered:
        """Return what a service shows of a parked event."""
        return await self._watch.ask(service, f"/parked/{parked_id}", token)

    async def order(self, service: str, parked_id: int, deed: str, token: str, key: str, reason: str) -> Answered:
        """Give an order on a parked event, once for each ``key``."""
        path = f"/parked/{parked_id}/{deed}"
        return await self._watch.order(service, path, token, key, {"reason": reason})
