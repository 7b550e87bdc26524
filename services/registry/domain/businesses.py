"""Rules of businesses: the states, who may do what in which, and the class with its flags."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.commands import (
    ChangeBusiness,
    ChangeBusinessClass,
    CloseBusiness,
    Profile,
    RecordWorkers,
    RegisterBusiness,
    ReportedClass,
)
from services.registry.domain.models import Business, BusinessChange, Changed, Draft
from services.registry.domain.owners import check_place
from services.registry.domain.progress_refusals import EvidenceMissingError
from services.registry.domain.refusals import (
    MergeTargetError,
    SameBusinessError,
    TransitionRefusedError,
    UnknownKbliError,
    VerifierIsApplicantError,
)
from services.registry.reference.classes import classify, contradicts, rise_between
from services.registry.reference.kbli import is_kbli
from shared.contracts.fact import Fact
from shared.contracts.registry import (
    BusinessChanged,
    BusinessClassChanged,
    BusinessClosed,
    BusinessDeactivated,
    BusinessDuplicateProposed,
    BusinessMerged,
    BusinessMergeUndone,
    BusinessReactivated,
    BusinessRegistered,
    BusinessRejected,
    BusinessReturned,
    BusinessStatus,
    BusinessSubmitted,
    BusinessVerified,
    BusinessWorkersRecorded,
    ClassRecord,
    ReasonPersonal,
)
from shared.refusals import check_version

S = BusinessStatus
OPEN = frozenset({S.DRAF, S.DIAJUKAN, S.PERLU_PERBAIKAN, S.TERVERIFIKASI})
KNOWN = OPEN | {S.NONAKTIF}
CONTRADICTION = "kelas_bertentangan"
SKIPPED = "kelas_melompat"
FALLEN = "kelas_turun"
DEFAULT_STATUS = S.DIAJUKAN


def require(business: Business, expected_version: int, deed: str, allowed: frozenset[BusinessStatus]) -> None:
    """Raise ``StaleVersionError`` or ``TransitionRefusedError`` unless the deed is possible in version and status."""
    check_version(business.version, expected_version)
    if business.status not in allowed:
        raise TransitionRefusedError(deed, business.status, allowed)


def step(
    business: Business, fact: type[Fact], more: dict[str, Any] | None = None, reason: str | None = None, **changes: Any
) -> BusinessChange:
    """Return the business in its next version, with the fact of the one deed; ``reason`` is the fact's sealed part."""
    after = replace(business, version=business.version + 1, **changes)
    personal = None if reason is None else ReasonPersonal(reason=reason)
    return Changed(after, (Draft(fact, {"business_id": business.id, **(more or {})}, personal),))


def _check_profile(profile: Profile) -> None:
    check_place(profile.kelurahan)
    if profile.kbli is not None and not is_kbli(profile.kbli.version, profile.kbli.code):
        raise UnknownKbliError(profile.kbli.version, profile.kbli.code)


def _class_flags(flags: tuple[str, ...], kelas: ClassRecord, profile: Profile, on: date) -> tuple[str, ...]:
    """Return the flags with the contradiction set or cleared: figures against each other, or against the class."""
    against = contradicts(kelas.kelas, profile.capital, profile.sales, profile.founded_year, on)
    others = {flag for flag in flags if flag != CONTRADICTION}
    return tuple(sorted(others | {CONTRADICTION} if against else others))


def _record(reported: ReportedClass, on: date) -> ClassRecord:
    return ClassRecord(kelas=reported.kelas, basis=reported.basis, year=reported.year, source=reported.source, as_of=on)


def _first_class(command: RegisterBusiness, on: date) -> ClassRecord:
    if command.reported is not None:
        return _record(command.reported, on)
    profile = command.profile
    computed = classify(profile.capital, profile.sales, profile.founded_year, on)
    return ClassRecord(kelas=computed.kelas, basis=computed.basis, year=None, source="petugas", as_of=on)


def profile_fields(business: Business) -> dict[str, Any]:
    """Return the fields that ``business.registered`` and ``business.changed`` have in common."""
    profile = business.profile
    return {
        "business_id": business.id,
        "owner_ids": profile.owner_ids,
        "kelurahan": profile.kelurahan,
        "sector": profile.sector,
        "kbli": profile.kbli,
        "capital": profile.capital,
        "sales": profile.sales,
        "founded_year": profile.founded_year,
        "flags": business.flags,
        "source": business.source,
        "as_of": business.as_of,
    }


def register(command: RegisterBusiness, actor: str, on: date) -> BusinessChange:
    """Return a new business, a draft, version 1. ``on`` is the day in WITA."""
    _check_profile(command.profile)
    kelas = _first_class(command, on)
    business = Business(
        id=command.business_id,
        version=1,
        profile=command.profile,
        kelas=kelas,
        workers=command.workers,
        workers_as_of=on if command.workers is not None else None,
        status=S.DRAF,
        status_before=None,
        status_reason=None,
        merged_into=None,
        closed_on=None,
        flags=_class_flags((), kelas, command.profile, on),
        source="petugas",
        as_of=on,
        registered_by=actor,
        submitted_by=None,
        verified_by=None,
    )
    more = {"status": business.status, "kelas": kelas, "workers": command.workers}
    return Changed(business, (Draft(BusinessRegistered, {**profile_fields(business), **more}, business.personal()),))


def change(business: Business, command: ChangeBusiness, on: date) -> BusinessChange:
    """Replace the profile. The class stays as recorded; what the figures say otherwise becomes a flag."""
    require(business, command.expected_version, "diubah", KNOWN)
    _check_profile(command.profile)
    return replace_profile(business, command.profile, on)


def replace_profile(business: Business, profile: Profile, on: date) -> BusinessChange:
    """Return the business with another profile, and the fact that names what differs, if anything does."""
    changed = tuple(
        part.name for part in fields(Profile) if getattr(profile, part.name) != getattr(business.profile, part.name)
    )
    if not changed:
        return Changed(business)
    after = replace(
        business,
        version=business.version + 1,
        profile=profile,
        flags=_class_flags(business.flags, business.kelas, profile, on),
        source="petugas",
        as_of=on,
    )
    return Changed(after, (Draft(BusinessChanged, {**profile_fields(after), "changed": changed}, after.personal()),))


def submit(business: Business, expected_version: int, actor: str) -> BusinessChange:
    """Hand in for verification."""
    require(business, expected_version, "diajukan", frozenset({S.DRAF, S.PERLU_PERBAIKAN}))
    return step(business, BusinessSubmitted, status=S.DIAJUKAN, submitted_by=actor, status_reason=None)


def verify(business: Business, expected_version: int, actor: str) -> BusinessChange:
    """Confirm; not by who registered or handed in."""
    require(business, expected_version, "diverifikasi", frozenset({S.DIAJUKAN}))
    if actor in {business.registered_by, business.submitted_by}:
        raise VerifierIsApplicantError
    return step(business, BusinessVerified, status=S.TERVERIFIKASI, verified_by=actor)


def send_back(business: Business, expected_version: int, reason: str) -> BusinessChange:
    """Send back for correction."""
    require(business, expected_version, "dikembalikan", frozenset({S.DIAJUKAN}))
    return step(business, BusinessReturned, reason=reason, status=S.PERLU_PERBAIKAN, status_reason=reason)


def reject(business: Business, expected_version: int, reason: str) -> BusinessChange:
    """Refuse for good."""
    require(business, expected_version, "ditolak", frozenset({S.DIAJUKAN, S.PERLU_PERBAIKAN}))
    return step(business, BusinessRejected, reason=reason, status=S.DITOLAK, status_reason=reason)


def deactivate(business: Business, expected_version: int, reason: str) -> BusinessChange:
    """Put to rest; the status is kept for the way back."""
    require(business, expected_version, "dinonaktifkan", OPEN)
    return step(
        business,
        BusinessDeactivated,
        reason=reason,
        status=S.NONAKTIF,
        status_before=business.status,
        status_reason=reason,
    )


def reactivate(business: Business, expected_version: int) -> BusinessChange:
    """Bring back, with the status it had before."""
    require(business, expected_version, "diaktifkan kembali", frozenset({S.NONAKTIF}))
    status = business.status_before or DEFAULT_STATUS
    return step(
        business, BusinessReactivated, {"status": status}, status=status, status_before=None, status_reason=None
    )


def close(business: Business, command: CloseBusiness) -> BusinessChange:
    """Close for good."""
    require(business, command.expected_version, "ditutup", KNOWN)
    return step(
        business,
        BusinessClosed,
        {"closed_on": command.closed_on},
        command.reason,
        status=S.TUTUP,
        status_before=None,
        status_reason=command.reason,
        closed_on=command.closed_on,
    )


def change_class(business: Business, command: ChangeBusinessClass, on: date) -> BusinessChange:
    """Record a class with its source. *Naik kelas* needs evidence; a class skipped or a fall is a flag.

    No fact if nothing differs but the day.
    """
    require(business, command.expected_version, "diubah kelasnya", KNOWN)
    current = _record(command.reported, on)
    if replace_day(current, business.kelas.as_of) == business.kelas:
        return Changed(business)
    rise = rise_between(business.kelas.kelas, current.kelas)
    if rise > 0 and not command.evidence:
        raise EvidenceMissingError(business.kelas.kelas, current.kelas)
    flags = _class_flags(_move_flags(business.flags, rise), current, business.profile, on)
    more = {"previous": business.kelas, "current": current, "flags": flags, "evidence": command.evidence}
    return step(business, BusinessClassChanged, more, kelas=current, flags=flags)


def _move_flags(flags: tuple[str, ...], rise: int) -> tuple[str, ...]:
    """Return the flags with what is doubtful about the last change of class, and nothing of the ones before."""
    doubtful = {SKIPPED} if rise > 1 else {FALLEN} if rise < 0 else set()
    return tuple(sorted(set(flags) - {SKIPPED, FALLEN} | doubtful))


def replace_day(kelas: ClassRecord, day: date) -> ClassRecord:
    """Return the record as of another day."""
    return kelas.model_copy(update={"as_of": day})


def record_workers(business: Business, command: RecordWorkers) -> BusinessChange:
    """Record the workers counted on a day. A count of an earlier day than the newest goes to the history alone."""
    require(business, command.expected_version, "dicatat tenaga kerjanya", KNOWN)
    if (command.workers, command.as_of) == (business.workers, business.workers_as_of):
        return Changed(business)
    more = {"workers": command.workers, "as_of": command.as_of}
    if business.workers_as_of is not None and command.as_of < business.workers_as_of:
        return step(business, BusinessWorkersRecorded, more)
    return step(business, BusinessWorkersRecorded, more, workers=command.workers, workers_as_of=command.as_of)


def propose_duplicate(
    business: Business, expected_version: int, other_id: UUID, grounds: tuple[str, ...]
) -> BusinessChange:
    """Say that two businesses may be one."""
    if other_id == business.id:
        raise SameBusinessError(business.id)
    require(business, expected_version, "diusulkan sebagai ganda", KNOWN)
    return step(business, BusinessDuplicateProposed, {"other_id": other_id, "grounds": grounds})


def merge(business: Business, expected_version: int, into: Business) -> BusinessChange:
    """Merge into another one, which must be there to go on."""
    if into.id == business.id:
        raise SameBusinessError(business.id)
    if into.status not in KNOWN:
        raise MergeTargetError(into.id, into.status)
    require(business, expected_version, "digabung", KNOWN)
    # Processes of a release before this one undo by status_before; where a business at rest comes back to is not theirs to lose.
    before = business.status_before if business.status is S.NONAKTIF else None
    return step(
        business,
        BusinessMerged,
        {"into_id": into.id},
        status=S.DIGABUNG,
        status_before=before or business.status,
        status_before_merge=business.status,
        merged_into=into.id,
    )


def undo_merge(business: Business, expected_version: int) -> BusinessChange:
    """Take a merge back: the status is what it was before, also at rest."""
    require(business, expected_version, "dipisahkan kembali", frozenset({S.DIGABUNG}))
    status = business.status_before_merge or business.status_before or DEFAULT_STATUS
    rests = status is S.NONAKTIF and business.status_before is not S.NONAKTIF
    more = {"from_id": business.merged_into, "status": status}
    return step(
        business,
        BusinessMergeUndone,
        more,
        status=status,
        status_before=business.status_before if rests else None,
        status_before_merge=None,
        merged_into=None,
    )
