"""Rules of certificates: one number for each participant of a batch, new editions, and taking back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from services.training.commands import IssueCertificate, ReissueCertificate, RevokeCertificate
from services.training.domain.models import Certificate, Changed, Course, Enrolment, S
from services.training.domain.refusals import AlreadyIssuedError, CertificateRevokedError, NotPassedError
from shared.contracts.training import CertificateIssued, CertificateReissued, CertificateRevoked
from shared.refusals import check_version

CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, no 1, I and L: people read a code aloud and type it."""
CODE_LENGTH = 12
"""59 bits: nobody comes upon a certificate by trying."""


def write_number(count: int, programme_code: str, year: int) -> str:
    """Return the number as it is printed, for example ``0042/DIGI/DKUMKMP/2026``; ``count`` runs within a year."""
    return f"{count:04}/{programme_code}/DKUMKMP/{year}"


def fold_code(text: str) -> str:
    """Return a code as it is stored, from how somebody typed it: hyphens and blanks do not count, case does not either."""
    return "".join(sign for sign in text.upper() if sign not in "- ")


def show_code(code: str) -> str:
    """Return a code in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def check_may_issue(enrolment: Enrolment, existing: Certificate | None) -> None:
    """Raise ``NotPassedError`` or ``AlreadyIssuedError``; before a number is taken, so that none is wasted."""
    if existing is not None:
        raise AlreadyIssuedError(existing.number)
    if enrolment.state is not S.LULUS:
        raise NotPassedError(enrolment.state)


def issue(
    course: Course,
    enrolment: Enrolment,
    existing: Certificate | None,
    command: IssueCertificate,
    number: str,
    on: date,
) -> Changed[Certificate]:
    """Return a new certificate, edition 1. ``on`` is the day in WITA."""
    check_may_issue(enrolment, existing)
    certificate = Certificate(
        id=command.certificate_id,
        version=1,
        enrolment_id=enrolment.id,
        batch_id=enrolment.batch_id,
        owner_id=enrolment.owner_id,
        business_id=enrolment.business_id,
        number=number,
        code=command.code,
        edition=1,
        revoked=False,
    )
    return Changed(certificate, (CertificateIssued(**certificate.fact_fields(), title=course.title, issued_on=on),))


def reissue(certificate: Certificate, command: ReissueCertificate, on: date) -> Changed[Certificate]:
    """Return the certificate in its next edition, under the same number and code."""
    check_version(certificate.version, command.expected_version)
    if certificate.revoked:
        raise CertificateRevokedError(certificate.number)
    after = replace(certificate, version=certificate.version + 1, edition=certificate.edition + 1)
    return Changed(after, (CertificateReissued(**after.fact_fields(), issued_on=on),))


def revoke(certificate: Certificate, command: RevokeCertificate) -> Changed[Certificate]:
    """Take a certificate back, in all editions."""
    check_version(certificate.version, command.expected_version)
    if certificate.revoked:
        raise CertificateRevokedError(certificate.number)
    after = replace(certificate, version=certificate.version + 1, revoked=True)
    return Changed(after, (CertificateRevoked(**after.fact_fields(), cause=command.cause),))
