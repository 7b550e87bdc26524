"""Licences and brands as tests need them: handed in, verified, renewed; many at once; and what the outbox tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.registry.domain.licences import Licence
from services.registry.store.licences import insert_licence
from shared.contracts.licensing import LicenceKind, LicenceStatus
from shared.database import Pool
from tests.registry.conftest import Caller, Registry

P_IRT, NIB, MD = "2063471019901-31", "0220009901234", "MD224510009901"
FAR = (date.today() + timedelta(days=400)).isoformat()  # noqa: DTZ011 (any day far ahead)


def licence_body(business: str, number: str = P_IRT, **changes: Any) -> dict[str, Any]:
    """Return the form of a P-IRT of a business, with some of it changed."""
    return {"business_id": business, "kind": "p_irt", "number": number, "expires_on": FAR, **changes}


async def submit(caller: Caller, business: str, number: str = P_IRT, **changes: Any) -> str:
    """Hand a licence in and return its id."""
    answer = await caller.post("/licences", licence_body(business, number, **changes))
    return str(answer.raise_for_status().json()["id"])


async def verify(caller: Caller, licence: str) -> None:
    """Verify a licence that was just handed in."""
    (await caller.post(f"/licences/{licence}/verification", None, 1)).raise_for_status()


def valid(days_left: int, day: date, **changes: Any) -> Licence:
    """Return a verified licence whose last day is so many days after ``day``."""
    licence = Licence(
        id=uuid4(),
        version=2,
        business_id=uuid4(),
        owner_id=uuid4(),
        kind=LicenceKind.P_IRT,
        number=P_IRT,
        product=None,
        status=LicenceStatus.BERLAKU,
        cause=None,
        valid_from=None,
        expires_on=day + timedelta(days=days_left),
        renews=None,
        replaced_by=None,
        revoked_on=None,
        told=None,
        submitted_by="petugas-a",
        verified_by="petugas-b",
    )
    return replace(licence, **changes)


async def plant(pool: Pool, licences: Iterable[Licence]) -> None:
    """Store licences that are there already."""
    async with pool.acquire() as connection, connection.transaction():
        for licence in licences:
            assert await insert_licence(connection, licence)


async def told(registry: Registry, of: str = "") -> list[dict[str, Any]]:
    """Return every fact whose name begins like ``of``: its data with ``fact`` (name) and ``sequence``."""
    rows = await registry.pool.fetch("SELECT type, sequence, data FROM outbox ORDER BY id")
    found = []
    for row in rows:
        name = row["type"].removeprefix("id.go.balikpapan.umkm.").removesuffix(".v1")
        if name.startswith(of):
            found.append({**json.loads(row["data"]), "fact": name, "sequence": row["sequence"]})
    return found


async def names(registry: Registry, of: str, aggregate: str | UUID) -> list[str]:
    """Return the names of one aggregate's facts, in order, having looked that their sequence has no gap."""
    rows = await registry.pool.fetch(
        "SELECT type, sequence FROM outbox WHERE partition_key = $1 ORDER BY id", UUID(str(aggregate))
    )
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    said = [row["type"].removeprefix("id.go.balikpapan.umkm.").removesuffix(".v1") for row in rows]
    assert all(name.startswith(of) for name in said)
    return said
