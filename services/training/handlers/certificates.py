"""Commands on certificates."""

from __future__ import annotations

import secrets
from uuid import UUID

from services.training.commands import IssueCertificate, ReissueCertificate, RevokeCertificate
from services.training.domain import certificates as rules
from services.training.domain.models import Certificate, Changed, Course, Enrolment
from services.training.domain.refusals import OwnerErasedError, UnknownBusinessError
from services.training.handlers import Saved, publish
from services.training.handlers.seating import lock_batch, lock_enrolment
from services.training.store import certificates as store
from services.training.store import courses, enrolments
from shared.database import Connection
from shared.identifiers import new_id
from shared.outbox import Cause, Change, day_of
from shared.refusals import NotFoundError


def new_code() -> str:
    """Return a fresh code that nobody can guess."""
    return "".join(secrets.choice(rules.CODE_SIGNS) for _ in range(rules.CODE_LENGTH))


async def _course(connection: Connection, batch_id: UUID) -> Course:
    course = await courses.course_of_batch(connection, batch_id)
    if course is None:
        raise NotFoundError("Angkatan", batch_id)
    return course


async def _require_owner(connection: Connection, owner_id: UUID) -> None:
    """Keep the owner until the transaction ends. Raises ``OwnerErasedError``: there is no name to print any more."""
    erased = await store.share_owner(connection, owner_id)
    if erased is None:
        raise UnknownBusinessError("Pemilik", owner_id)
    if erased:
        raise OwnerErasedError(owner_id)


async def _issue(
    connection: Connection,
    course: Course,
    enrolment: Enrolment,
    existing: Certificate | None,
    command: IssueCertificate,
    cause: Cause,
) -> Saved:
    rules.check_may_issue(enrolment, existing)
    on = day_of(cause)
    count = await store.next_number(connection, on.year)
    number = rules.write_number(count, course.programme.code, on.year)
    change = rules.issue(course, enrolment, existing, command, number, on)
    return await _store(connection, change, store.new_certificate(change.after), cause, edition=True)


async def _store(
    connection: Connection, change: Changed[Certificate], statement: Change, cause: Cause, *, edition: bool
) -> Saved:
    await publish(connection, [change], cause, statement)
    if edition:
        await store.insert_edition(connection, change.after, day_of(cause), cause.actor)
    return Saved(change.after.id, change.after.version)


async def issue_certificate(connection: Connection, command: IssueCertificate, cause: Cause) -> Saved:
    """Issue the certificate of one who passed. Raises ``NotPassedError``, ``AlreadyIssuedError``, ``OwnerErasedError``."""
    found = await enrolments.find_enrolment(connection, command.enrolment_id)
    if found is None:
        raise NotFoundError("Pendaftaran", command.enrolment_id)
    await _require_owner(connection, found.owner_id)
    batch, enrolment = await lock_enrolment(connection, command.enrolment_id)
    existing = await store.certificate_of_enrolment(connection, enrolment.id)
    course = await _course(connection, batch.id)
    return await _issue(connection, course, enrolment, existing, command, cause)


async def issue_certificates(connection: Connection, batch_id: UUID, cause: Cause) -> list[Saved]:
    """Issue the certificates of all who passed a batch and have none yet. Said twice, the second finds nobody.

    The owners are held before the batch, so that no name comes on a certificate while it is erased.
    """
    owners = await enrolments.share_passed_owners(connection, batch_id)
    batch = await lock_batch(connection, batch_id)
    course = await _course(connection, batch.id)
    passed = await enrolments.passed_without_certificate(connection, batch.id, owners)
    return [
        await _issue(connection, course, enrolment, None, IssueCertificate(new_id(), enrolment.id, new_code()), cause)
        for enrolment in passed
    ]


async def _lock(connection: Connection, certificate_id: UUID) -> Certificate:
    certificate = await store.lock_certificate(connection, certificate_id)
    if certificate is None:
        raise NotFoundError("Sertifikat", certificate_id)
    return certificate


async def reissue_certificate(connection: Connection, command: ReissueCertificate, cause: Cause) -> Saved:
    """Issue the same number in a new edition, with the name as it is now. Raises ``CertificateRevokedError``."""
    certificate = await _lock(connection, command.certificate_id)
    await _require_owner(connection, certificate.owner_id)
    change = rules.reissue(certificate, command, day_of(cause))
    return await _store(connection, change, store.changed_certificate(change.after), cause, edition=True)


async def revoke_certificate(connection: Connection, command: RevokeCertificate, cause: Cause) -> Saved:
    """Take a certificate back. Raises ``CertificateRevokedError`` if it was."""
    certificate = await _lock(connection, command.certificate_id)
    change = rules.revoke(certificate, command)
    statement = store.changed_certificate(change.after, command.cause)
    return await _store(connection, change, statement, cause, edition=False)
