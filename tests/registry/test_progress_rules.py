"""The rules of classes, assessments and readiness for export alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.commands import ChangeBusinessClass, RecordWorkers, ReportedClass
from services.registry.commands.progress import AssessBusiness, RecordExportReadiness
from services.registry.domain import businesses, progress
from services.registry.domain.models import Business
from services.registry.domain.progress_refusals import (
    EvidenceMissingError,
    ScoresError,
    UnknownItemError,
    UnknownListError,
)
from services.registry.domain.refusals import TransitionRefusedError
from services.registry.reference.classes import LADDER, rise_between
from services.registry.reference.progress import checklists, find_checklist, find_method, methods
from services.registry.reference.sectors import SECTORS
from shared.contracts.progress import Aspect
from shared.contracts.registry import BusinessClass, BusinessStatus, Evidence, Workers
from tests.registry.test_rules import DAY, ID, PROVEN, registered

K = BusinessClass
CLASSES = st.sampled_from(list(K))
NEWEST = find_checklist(None)


def in_class(kelas: BusinessClass, *flags: str) -> Business:
    """Return a business of a class."""
    business = registered(flags=flags)
    return replace(business, kelas=business.kelas.model_copy(update={"kelas": kelas}))


def move(business: Business, kelas: BusinessClass, *evidence: Evidence) -> Business:
    """Return the business after its class was recorded."""
    command = ChangeBusinessClass(ID, 1, ReportedClass(kelas, None, 2026, "laporan"), evidence)
    return businesses.change_class(business, command, DAY).after


@given(previous=CLASSES, current=CLASSES)
def test_a_rise_up_the_ladder_and_nothing_else_needs_evidence(previous: BusinessClass, current: BusinessClass) -> None:
    up = previous in LADDER and current in LADDER and LADDER.index(current) > LADDER.index(previous)
    if up:
        with pytest.raises(EvidenceMissingError) as caught:
            move(in_class(previous), current)
        assert set(caught.value.values["allowed"]) == set(Evidence)
    else:
        assert move(in_class(previous), current).kelas.kelas is current
    assert move(in_class(previous), current, *PROVEN).kelas.kelas is current


@given(previous=CLASSES, current=CLASSES, old=st.sampled_from([(), ("kelas_melompat",), ("kelas_turun", "nik_kosong")]))
def test_a_skip_and_a_fall_are_flags_of_the_last_change_alone(
    previous: BusinessClass, current: BusinessClass, old: tuple[str, ...]
) -> None:
    after = move(in_class(previous, *old), current, *PROVEN)
    rise = rise_between(previous, current)
    assert (businesses.SKIPPED in after.flags) == (rise == 2)
    assert (businesses.FALLEN in after.flags) == (rise < 0)
    assert ("nik_kosong" in after.flags) == ("nik_kosong" in old)
    assert list(after.flags) == sorted(after.flags)


@given(st.dictionaries(st.sampled_from(list(Aspect)), st.integers(-1, 7)))
def test_an_assessment_has_each_aspect_once_from_1_to_5(scores: dict[Aspect, int]) -> None:
    command = AssessBusiness(ID, 1, UUID(int=7), None, scores, DAY)
    if len(scores) < len(Aspect) or not all(1 <= score <= 5 for score in scores.values()):
        with pytest.raises(ScoresError):
            progress.assess(registered(), command, "petugas-a")
        return
    change = progress.assess(registered(), command, "petugas-a")
    fields = change.drafts[0].fields
    assert {part.aspect: part.score for part in fields["scores"]} == scores
    assert (fields["method"], fields["method_version"], change.after.version) == ("lima_aspek", 1, 2)


@pytest.mark.parametrize("status", [BusinessStatus.TUTUP, BusinessStatus.DITOLAK, BusinessStatus.DIGABUNG])
def test_what_is_gone_is_neither_assessed_nor_ready(status: BusinessStatus) -> None:
    scores = dict.fromkeys(Aspect, 3)
    with pytest.raises(TransitionRefusedError):
        progress.assess(registered(status=status), AssessBusiness(ID, 1, UUID(int=7), None, scores, DAY), "a")
    command = RecordExportReadiness(ID, 1, UUID(int=7), None, {}, DAY)
    with pytest.raises(TransitionRefusedError):
        progress.record_export_readiness(registered(status=status), command)


assert NEWEST is not None
CODES = [item.code for item in NEWEST.items]


@given(
    sector=st.sampled_from(SECTORS),
    met=st.dictionaries(st.sampled_from(CODES), st.sampled_from([True, True, True, False, None])),
)
def test_ready_is_who_meets_every_item_asked_of_the_sector(sector: str, met: dict[str, bool | None]) -> None:
    assert NEWEST is not None
    business = registered()
    business = replace(business, profile=replace(business.profile, sector=sector))
    command = RecordExportReadiness(ID, 1, UUID(int=7), None, met, DAY)
    fields = progress.record_export_readiness(business, command).drafts[0].fields
    assert [(item.code, item.met) for item in fields["items"]] == [(code, met.get(code)) for code in CODES]
    wanting = [item for item in NEWEST.items if item.asked_of(sector) and met.get(item.code) is not True]
    assert fields["ready"] is (not wanting)


def test_halal_and_a_food_licence_are_asked_of_food_alone() -> None:
    assert NEWEST is not None
    everything = {item.code: True for item in NEWEST.items}
    ready = {}
    for sector in ("kuliner", "kriya"):
        business = replace(registered(), profile=replace(registered().profile, sector=sector))
        met = everything | {"halal": False, "izin_edar": None, "pelatihan_ekspor": False}
        change = progress.record_export_readiness(business, RecordExportReadiness(ID, 1, UUID(int=7), 1, met, DAY))
        ready[sector] = change.drafts[0].fields["ready"]
    assert ready == {"kuliner": False, "kriya": True}


def test_an_unknown_item_or_version_is_refused() -> None:
    command = RecordExportReadiness(ID, 1, UUID(int=7), None, {"nib": True, "nip": True}, DAY)
    with pytest.raises(UnknownItemError) as caught:
        progress.record_export_readiness(registered(), command)
    assert (caught.value.unknown, caught.value.known) == (("nip",), tuple(CODES))
    with pytest.raises(UnknownListError):
        progress.record_export_readiness(registered(), RecordExportReadiness(ID, 1, UUID(int=7), 99, {}, DAY))
    with pytest.raises(UnknownListError):
        progress.assess(registered(), AssessBusiness(ID, 1, UUID(int=7), 99, dict.fromkeys(Aspect, 3), DAY), "a")


def test_the_lists_are_whole_and_their_versions_told_apart() -> None:
    for method in methods():
        assert set(method.levels) == set(Aspect)
        assert {len(levels) for levels in method.levels.values()} == {5}
    for made in (methods(), checklists()):
        versions = [one.version for one in made]
        assert len(set(versions)) == len(versions)
    for checklist in checklists():
        codes = [item.code for item in checklist.items]
        assert len(set(codes)) == len(codes)
        assert all(item.sectors <= set(SECTORS) for item in checklist.items)
    newest = find_method(None)
    assert newest is not None
    assert newest is methods()[-1]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=8))
def test_the_workers_of_a_business_are_those_of_the_newest_day(counts: list[tuple[int, int]]) -> None:
    business = registered()
    for men, day in counts:
        command = RecordWorkers(ID, business.version, Workers(paid_men=men), DAY - timedelta(days=day))
        business = businesses.record_workers(business, command).after
    newest = min(day for _, day in counts)
    last = [men for men, day in counts if day == newest][-1]
    assert business.workers == Workers(paid_men=last)
    assert business.workers_as_of == DAY - timedelta(days=newest)


def test_a_class_moves_on_the_day_of_the_record() -> None:
    assert move(in_class(K.MIKRO), K.MENENGAH, Evidence.OSS).kelas.as_of == date(2026, 5, 31)
