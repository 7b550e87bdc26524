"""Requests to erase as pure rules: whatever is tried in whatever order, only the legal ways lead to the legal ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.registry.commands.erasure import Asker, AskErasure, AskingWay, Identity, RefusalReason
from services.registry.domain import erasure as rules
from services.registry.domain.erasure import LEGAL_REASONS, OPEN, ErasureRequest
from services.registry.domain.erasure import ErasureState as S
from shared.refusals import DeedRefusedError

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
LEGAL = {
    (S.DIAJUKAN, S.IDENTITAS_DIPERIKSA),
    (S.DIAJUKAN, S.DITOLAK),
    (S.IDENTITAS_DIPERIKSA, S.DITERIMA),
    (S.IDENTITAS_DIPERIKSA, S.DITOLAK),
    (S.DITERIMA, S.SELESAI),
    *((state, S.DIBATALKAN) for state in OPEN),
}
STEPS = st.one_of(
    st.tuples(st.just("identity"), st.sampled_from(Identity)),
    st.tuples(st.just("refuse"), st.sampled_from(RefusalReason)),
    st.tuples(st.sampled_from(["accept", "cancel", "finish"]), st.none()),
)


def asked(asker: Asker = Asker.PEMILIK, at: datetime | None = None) -> ErasureRequest:
    """Return a new request."""
    return rules.ask(AskErasure(uuid4(), uuid4(), asker, AskingWay.LOKET, at), "petugas-a", NOW)


def take(request: ErasureRequest, deed: str, argument: Identity | RefusalReason | None) -> ErasureRequest:
    """Try one step."""
    version = request.version
    if isinstance(argument, Identity):
        return rules.check_identity(request, version, argument, "petugas-b", NOW)
    if isinstance(argument, RefusalReason):
        return rules.refuse(request, version, argument, "petugas-b", NOW)
    step = {"accept": rules.accept, "cancel": rules.cancel, "finish": rules.finish}[deed]
    return step(request, version, "petugas-b", NOW)


@given(st.sampled_from(Asker), st.lists(STEPS, max_size=12))
def test_only_legal_steps_are_taken_and_each_leaves_who_and_why(
    asker: Asker, steps: list[tuple[str, Identity | RefusalReason | None]]
) -> None:
    request = asked(asker)
    for deed, argument in steps:
        try:
            after = take(request, deed, argument)
        except DeedRefusedError:
            continue
        assert (request.state, after.state) in LEGAL
        assert (after.version, after.due_at) == (request.version + 1, request.due_at)
        request = after
    assert (request.state is S.DITOLAK) == (request.reason is not None)
    assert (request.state in {S.SELESAI, S.DIBATALKAN}) == (request.ended_by is not None)
    if request.state in {S.DITERIMA, S.SELESAI}:
        assert request.identity is not None
        assert request.decided_by == "petugas-b"


@given(st.datetimes(datetime(2020, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(UTC)))  # noqa: DTZ001 (naive bounds)
def test_the_clock_runs_72_hours_and_no_second_longer(at: datetime) -> None:
    request = asked(at=at)
    assert not request.is_overdue(at + timedelta(hours=72))
    assert request.is_overdue(at + timedelta(hours=72, seconds=1))


def test_every_reason_has_its_legal_basis() -> None:
    assert set(LEGAL_REASONS) == set(RefusalReason)
    assert all("UU 27/2022 pasal" in text for text in LEGAL_REASONS.values())
