"""The rules of businesses alone: every deed in every status, and the class that is never recomputed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from services.registry.commands import (
    ChangeBusiness,
    ChangeBusinessClass,
    CloseBusiness,
    Profile,
    RecordWorkers,
    RegisterBusiness,
    ReportedClass,
)
from services.registry.domain import businesses as rules
from services.registry.domain.models import Business, BusinessChange
from services.registry.domain.refusals import (
    MergeTargetError,
    SameBusinessError,
    TransitionRefusedError,
    VerifierIsApplicantError,
)
from shared.contracts.registry import BusinessClass, BusinessStatus, ClassBasis, Evidence, Workers
from shared.refusals import StaleVersionError

S = BusinessStatus
DAY = date(2026, 5, 31)
ID, OTHER, OWNER = UUID(int=1), UUID(int=2), UUID(int=3)
PROFILE = Profile((OWNER,), "Warung Siti", None, None, "64.71.01.1001", "kuliner", None, None, 36_000_000, 2015)
KECIL = ReportedClass(BusinessClass.KECIL, ClassBasis.PENJUALAN, 2026, "laporan")
PROVEN = (Evidence.LAPORAN_KEUANGAN,)
OPEN = {S.DRAF, S.DIAJUKAN, S.PERLU_PERBAIKAN, S.TERVERIFIKASI}


def registered(business_id: UUID = ID, **changes: object) -> Business:
    """Return a business, a draft of version 1, with some of it changed."""
    after = rules.register(RegisterBusiness(business_id, PROFILE, None, None), "petugas-a", DAY).after
    return replace(after, **changes)  # type: ignore[arg-type]  # the names are the dataclass's own


def in_status(status: BusinessStatus) -> Business:
    """Return a business in a status, with what belongs to it."""
    return registered(
        status=status,
        status_before=S.TERVERIFIKASI if status is S.NONAKTIF else None,
        status_before_merge=S.TERVERIFIKASI if status is S.DIGABUNG else None,
        merged_into=OTHER if status is S.DIGABUNG else None,
    )


Deed = Callable[[Business], BusinessChange]
DEEDS: dict[str, tuple[Deed, set[BusinessStatus]]] = {
    "submit": (lambda b: rules.submit(b, 1, "petugas-a"), {S.DRAF, S.PERLU_PERBAIKAN}),
    "verify": (lambda b: rules.verify(b, 1, "petugas-b"), {S.DIAJUKAN}),
    "return": (lambda b: rules.send_back(b, 1, "kurang"), {S.DIAJUKAN}),
    "reject": (lambda b: rules.reject(b, 1, "palsu"), {S.DIAJUKAN, S.PERLU_PERBAIKAN}),
    "deactivate": (lambda b: rules.deactivate(b, 1, "libur"), OPEN),
    "reactivate": (lambda b: rules.reactivate(b, 1), {S.NONAKTIF}),
    "close": (lambda b: rules.close(b, CloseBusiness(ID, 1, "tutup", DAY)), OPEN | {S.NONAKTIF}),
    "change": (
        lambda b: rules.change(b, ChangeBusiness(ID, 1, replace(PROFILE, sales=1)), DAY),
        OPEN | {S.NONAKTIF},
    ),
    "class": (lambda b: rules.change_class(b, ChangeBusinessClass(ID, 1, KECIL, PROVEN), DAY), OPEN | {S.NONAKTIF}),
    "workers": (
        lambda b: rules.record_workers(b, RecordWorkers(ID, 1, Workers(paid_men=0), DAY)),
        OPEN | {S.NONAKTIF},
    ),
    "propose": (lambda b: rules.propose_duplicate(b, 1, OTHER, ("petugas",)), OPEN | {S.NONAKTIF}),
    "merge": (lambda b: rules.merge(b, 1, registered(OTHER)), OPEN | {S.NONAKTIF}),
    "undo": (lambda b: rules.undo_merge(b, 1), {S.DIGABUNG}),
}


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("deed", list(DEEDS))
def test_each_deed_happens_in_its_statuses_and_is_refused_in_all_others(deed: str, status: BusinessStatus) -> None:
    act, allowed = DEEDS[deed]
    business = in_status(status)
    if status in allowed:
        change = act(business)
        assert (change.after.version, len(change.drafts)) == (2, 1)
        assert change.drafts[0].fields["business_id"] == ID
        return
    with pytest.raises(TransitionRefusedError) as caught:
        act(business)
    assert (caught.value.status, set(caught.value.allowed)) == (status, allowed)
    assert all(name in str(caught.value) for name in allowed)


@pytest.mark.parametrize("deed", list(DEEDS))
def test_a_version_that_was_overtaken_is_refused_before_anything_else(deed: str) -> None:
    with pytest.raises(StaleVersionError) as caught:
        DEEDS[deed][0](registered(version=7, status=S.DITOLAK))
    assert (caught.value.expected, caught.value.current) == (1, 7)


@pytest.mark.parametrize("actor", ["petugas-a", "petugas-c"])
def test_neither_who_registered_nor_who_handed_in_verifies(actor: str) -> None:
    with pytest.raises(VerifierIsApplicantError):
        rules.verify(registered(status=S.DIAJUKAN, submitted_by="petugas-c"), 1, actor)


@pytest.mark.parametrize("before", [*sorted(OPEN), S.NONAKTIF])
def test_undoing_a_merge_gives_the_status_back(before: BusinessStatus) -> None:
    merged = rules.merge(registered(status=before), 1, registered(OTHER)).after
    assert (merged.status, merged.merged_into) == (S.DIGABUNG, OTHER)
    undone = rules.undo_merge(merged, 2).after
    assert (undone.status, undone.merged_into, undone.version) == (before, None, 3)


@pytest.mark.parametrize(
    ("before", "before_merge", "status", "then"),
    [
        (S.TERVERIFIKASI, S.TERVERIFIKASI, S.TERVERIFIKASI, None),
        (S.TERVERIFIKASI, None, S.TERVERIFIKASI, None),
        (S.NONAKTIF, None, S.NONAKTIF, None),
        (S.NONAKTIF, S.NONAKTIF, S.NONAKTIF, None),
        (S.TERVERIFIKASI, S.NONAKTIF, S.NONAKTIF, S.TERVERIFIKASI),
        (None, None, S.DIAJUKAN, None),
    ],
)
def test_what_a_process_of_the_release_before_merged_comes_back_as_it_was(
    before: BusinessStatus | None,
    before_merge: BusinessStatus | None,
    status: BusinessStatus,
    then: BusinessStatus | None,
) -> None:
    merged = registered(status=S.DIGABUNG, merged_into=OTHER, status_before=before, status_before_merge=before_merge)
    undone = rules.undo_merge(merged, 1).after
    assert (undone.status, undone.status_before, undone.status_before_merge) == (status, then, None)


@pytest.mark.parametrize("before", sorted(OPEN))
def test_a_process_of_the_release_before_can_undo_a_merge(before: BusinessStatus) -> None:
    assert rules.merge(registered(status=before), 1, registered(OTHER)).after.status_before == before


def test_a_business_at_rest_that_was_merged_comes_back_from_rest_as_it_went_there() -> None:
    resting = rules.deactivate(registered(status=S.TERVERIFIKASI), 1, "musim").after
    undone = rules.undo_merge(rules.merge(resting, 2, registered(OTHER)).after, 3).after
    assert undone.status == S.NONAKTIF
    assert rules.reactivate(undone, 4).after.status == S.TERVERIFIKASI


def test_nothing_is_merged_into_itself_or_into_what_is_gone() -> None:
    with pytest.raises(SameBusinessError):
        rules.merge(registered(), 1, registered())
    for status in (S.TUTUP, S.DITOLAK, S.DIGABUNG):
        with pytest.raises(MergeTargetError):
            rules.merge(registered(), 1, registered(OTHER, status=status))


def test_new_figures_leave_the_class_and_raise_a_flag() -> None:
    business = registered()
    assert (business.kelas.kelas, business.flags) == (BusinessClass.MIKRO, ())
    grown = rules.change(business, ChangeBusiness(ID, 1, replace(PROFILE, sales=2_000_000_001)), DAY).after
    assert (grown.kelas, grown.flags) == (business.kelas, (rules.CONTRADICTION,))
    risen = rules.change_class(grown, ChangeBusinessClass(ID, 2, KECIL, PROVEN), DAY).after
    assert (risen.kelas.kelas, risen.flags) == (BusinessClass.KECIL, ())


@pytest.mark.parametrize(
    ("sales", "kelas"),
    [
        (0, BusinessClass.MIKRO),
        (2_000_000_000, BusinessClass.MIKRO),
        (2_000_000_001, BusinessClass.KECIL),
        (15_000_000_000, BusinessClass.KECIL),
        (50_000_000_000, BusinessClass.MENENGAH),
        (50_000_000_001, BusinessClass.BESAR),
        (None, BusinessClass.TIDAK_DIKETAHUI),
    ],
)
def test_the_first_class_is_read_from_the_figures_with_inclusive_bounds(
    sales: int | None, kelas: BusinessClass
) -> None:
    command = RegisterBusiness(ID, replace(PROFILE, sales=sales), None, None)
    assert rules.register(command, "petugas-a", DAY).after.kelas.kelas is kelas
