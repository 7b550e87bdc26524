"""Certificates, their editions and their numbers."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import asyncpg

from services.training.domain.models import Certificate, Printed
from services.training.store import queries
from services.training.store.courses import read_sessions
from shared.contracts.training import RevocationCause
from shared.database import Connection, Pool
from shared.outbox import Change


def _certificate(row: asyncpg.Record) -> Certificate:
    return Certificate(
        id=row["id"],
        version=row["version"],
        enrolment_id=row["enrolment_id"],
        batch_id=row["batch_id"],
        owner_id=row["owner_id"],
        business_id=row["business_id"],
        number=row["number"],
        code=row["code"],
        edition=row["edition"],
        revoked=row["revoked"],
    )


async def next_number(connection: Connection, year: int) -> int:
    """Take the next number of a year; nobody takes another one until the transaction ends."""
    return int(await connection.fetchval(queries().next_number, year))


def new_certificate(certificate: Certificate) -> Change:
    """Return the statement that stores a new certificate."""
    arguments = (
        certificate.id,
        certificate.version,
        certificate.enrolment_id,
        certificate.batch_id,
        certificate.owner_id,
        certificate.business_id,
        certificate.number,
        certificate.code,
        certificate.edition,
        certificate.revoked,
    )
    return Change(queries().insert_certificate, arguments)


def changed_certificate(certificate: Certificate, cause: RevocationCause | None = None) -> Change:
    """Return the statement that stores a certificate after a deed."""
    arguments = (certificate.id, certificate.version, certificate.edition, certificate.revoked, cause)
    return Change(queries().update_certificate, arguments)


async def insert_edition(connection: Connection, certificate: Certificate, on: date, actor: str) -> None:
    """Store an edition with the name as the copy of the registry has it now."""
    await connection.execute(
        queries().insert_edition, certificate.id, certificate.edition, certificate.owner_id, on, actor
    )


async def share_owner(connection: Connection, owner_id: UUID) -> bool | None:
    """Keep an owner from being erased until the transaction ends; return whether they were, ``None`` if not known."""
    erased: bool | None = await connection.fetchval(queries().share_owner, owner_id)
    return erased


async def certificate_of_enrolment(connection: Connection, enrolment_id: UUID) -> Certificate | None:
    """Return the certificate of an enrolment, if there is one."""
    row = await connection.fetchrow(queries().certificate_of_enrolment, enrolment_id)
    return None if row is None else _certificate(row)


async def lock_certificate(connection: Connection, certificate_id: UUID) -> Certificate | None:
    """Return one certificate, locked."""
    row = await connection.fetchrow(queries().lock_certificate, certificate_id)
    return None if row is None else _certificate(row)


async def find_printed(
    pool: Pool, certificate_id: UUID | None, code: str | None, edition: int | None
) -> Printed | None:
    """Return what stands on a certificate, by its id or by its code; the newest edition if none is asked for."""
    row = await pool.fetchrow(queries().find_printed, certificate_id, code, edition)
    return None if row is None else Printed(**{**row, "sessions": read_sessions(row["sessions"])})
