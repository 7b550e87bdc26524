"""Rules of a curation: criteria and weights as data, several curators, history, and the order that comes of it.

Scores are hundredths (0 to 10,000), counted in whole numbers and rounded half up, so that the same scores give the same
order everywhere. **Tie rule**: the higher total first; then who took part less often before; then who applied first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.events.commands import Judgement
from services.events.domain.models import SCORABLE, Application, Changed, Exhibition, History, S
from services.events.domain.refusals import AlreadyCuratedError, CriteriaError, ScoreError, StrangersError
from shared.contracts.exhibitions import (
    ApplicationCause,
    ApplicationPassed,
    ApplicationRejected,
    ApplicationReserved,
    ApplicationScored,
    BoothKind,
    Criterion,
    CriterionKind,
    ScoreGiven,
)
from shared.contracts.licensing import LicenceKind
from shared.contracts.registry import BusinessClass, BusinessStatus

HIGHEST = 100
FULL = 10_000
GONE = frozenset({BusinessStatus.TUTUP, BusinessStatus.DITOLAK, BusinessStatus.DIGABUNG})
"""Businesses that are not there to sell."""
AWAY = GONE | {BusinessStatus.NONAKTIF}
"""No place and no turn is given to these as long as they are so. None is taken from them: a rest ends, a merge is undone."""
K = CriterionKind


@dataclass(frozen=True, slots=True)
class Given:
    """What curators gave one application for one criterion: the sum, and of how many."""

    total: int
    curators: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One application as the curation sees it."""

    application: Application
    history: History
    given: Mapping[str, Given]
    """By criterion."""
    double: bool = False
    """Its business was merged into one that applied too, or into which another one that applied was merged before it."""

    @property
    def why_refused(self) -> ApplicationCause | None:
        """Why it is refused, whatever its scores."""
        if self.history.status in GONE:
            return ApplicationCause.USAHA_TIDAK_AKTIF
        return ApplicationCause.LAINNYA if self.double else None


_TAKES: dict[CriterionKind, frozenset[str]] = {
    K.KELAS: frozenset(BusinessClass) - {BusinessClass.TIDAK_DIKETAHUI},
    K.LEGALITAS: frozenset(LicenceKind),
}
"""Kinds that take values, one or more of these, each once; all others take none."""


def _values_fit(criterion: Criterion) -> bool:
    values, takes = criterion.values, _TAKES.get(criterion.kind)
    if takes is None:
        return not values
    return bool(values) and len(set(values)) == len(values) and takes.issuperset(values)


def check_criteria(criteria: Sequence[Criterion]) -> None:
    """Raise ``CriteriaError`` for criteria that do not make a curation."""
    if not criteria:
        raise CriteriaError("-", "sekurang-kurangnya satu kriteria", 0)
    seen: set[str] = set()
    for criterion in criteria:
        if criterion.code in seen:
            raise CriteriaError(criterion.code, "disebut dua kali", criterion.code)
        seen.add(criterion.code)
        if criterion.weight < 1:
            raise CriteriaError(criterion.code, "bobot sekurang-kurangnya 1", criterion.weight)
        if not _values_fit(criterion):
            raise CriteriaError(criterion.code, f"isi tidak sesuai jenis {criterion.kind}", list(criterion.values))


def _check_scores(criteria: Mapping[str, Criterion], judgement: Judgement) -> None:
    for code, score in judgement.scores:
        criterion = criteria.get(code)
        if criterion is None or criterion.kind is not K.JURI:
            raise ScoreError(code, score, "bukan kriteria yang dinilai kurator")
        if not 0 <= score <= HIGHEST:
            raise ScoreError(code, score, f"harus 0 sampai {HIGHEST}")


def give_scores(
    exhibition: Exhibition, judgements: Sequence[Judgement], found: Mapping[UUID, Application]
) -> list[Changed[Application]]:
    """Return the applications with what a curator gave them. Raises ``ScoreError``, ``StrangersError`` and the like."""
    if exhibition.curated:
        raise AlreadyCuratedError(exhibition.id)
    strangers = [
        item.application_id
        for item in judgements
        if item.application_id not in found or found[item.application_id].state not in SCORABLE
    ]
    if strangers:
        raise StrangersError(strangers, SCORABLE)
    criteria = {criterion.code: criterion for criterion in exhibition.criteria}
    changes = []
    for judgement in judgements:
        _check_scores(criteria, judgement)
        before = found[judgement.application_id]
        given = tuple(ScoreGiven(criterion=code, score=score) for code, score in judgement.scores)
        after = replace(before, version=before.version + 1, state=S.KURASI)
        changes.append(Changed(after, (ApplicationScored(**before.fact_fields(), scores=given),)))
    return changes


def _rounded(numerator: int, denominator: int) -> int:
    """Return the quotient of whole numbers from 0 up, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _licensed(criterion: Criterion, history: History) -> int:
    """Return the share of the wanted licences that are valid; a halal statement is not a certificate, and each counts alone."""
    return _rounded(FULL * len(history.licences.intersection(criterion.values)), len(criterion.values))


_FROM_HISTORY: dict[CriterionKind, Callable[[Criterion, History], int]] = {
    K.TERVERIFIKASI: lambda _, history: FULL * (history.status is BusinessStatus.TERVERIFIKASI),
    K.KELAS: lambda criterion, history: FULL * (history.kelas in criterion.values),
    K.PELATIHAN: lambda _, history: FULL * (history.trainings > 0),
    K.LEGALITAS: _licensed,
    K.JARANG_DIBANTU: lambda _, history: FULL >> min(history.helped, 14),
}
"""What the platform knows, as hundredths; who took part before has half as much for each time."""


def score(criterion: Criterion, history: History, given: Mapping[str, Given]) -> int:
    """Return the hundredths of one criterion: the mean of the curators', or from history. Nobody scored: 0."""
    known = _FROM_HISTORY.get(criterion.kind)
    if known is not None:
        return known(criterion, history)
    found = given.get(criterion.code)
    return _rounded(100 * found.total, found.curators) if found else 0


def total_of(criteria: Sequence[Criterion], scores: Mapping[str, int]) -> int:
    """Return the weighted mean of hundredths."""
    weights = sum(criterion.weight for criterion in criteria)
    return _rounded(sum(criterion.weight * scores[criterion.code] for criterion in criteria), weights)


def unscored(exhibition: Exhibition, entries: Sequence[Entry]) -> list[UUID]:
    """Return who was not scored by as many curators as the exhibition asks, on every criterion that curators score."""
    asked = [criterion.code for criterion in exhibition.criteria if criterion.kind is K.JURI]
    none = Given(0, 0)
    return [
        entry.application.id
        for entry in entries
        if entry.why_refused is None
        and any(entry.given.get(code, none).curators < exhibition.curators for code in asked)
    ]


@dataclass(frozen=True, slots=True)
class _Counted:
    """An application with its hundredths by criterion, their total, and what orders it."""

    application: Application
    scores: Mapping[str, int]
    total: int
    helped: int

    def key(self) -> tuple[int, int, object, UUID]:
        """Return the tie rule as a key, smallest first."""
        return (-self.total, self.helped, self.application.applied_at, self.application.id)

    def after(self, state: S, rank: int | None = None, cause: ApplicationCause | None = None) -> Application:
        """Return the application as it stands after the curation."""
        before = self.application
        return replace(
            before,
            version=before.version + 1,
            state=state,
            scores=self.scores,
            total=self.total,
            rank=rank,
            cause=cause,
        )


def _count(exhibition: Exhibition, entry: Entry) -> _Counted:
    scores = {item.code: score(item, entry.history, entry.given) for item in exhibition.criteria}
    return _Counted(entry.application, scores, total_of(exhibition.criteria, scores), entry.history.helped)


def _refuse(exhibition: Exhibition, counted: _Counted, cause: ApplicationCause) -> Changed[Application]:
    told = {**counted.application.fact_fields(), **exhibition.told()}
    return Changed(
        counted.after(S.DITOLAK, cause=cause), (ApplicationRejected(**told, cause=cause, total=counted.total),)
    )


def _choose(exhibition: Exhibition, counted: _Counted, rank: int, *, has_place: bool) -> Changed[Application]:
    kind, state = (ApplicationPassed, S.LOLOS) if has_place else (ApplicationReserved, S.CADANGAN)
    told = {**counted.application.fact_fields(), **exhibition.told()}
    return Changed(counted.after(state, rank), (kind(**told, total=counted.total, rank=rank),))


def curate(
    exhibition: Exhibition, entries: Sequence[Entry], places: Mapping[BoothKind, int]
) -> list[Changed[Application]]:
    """Return every application chosen, in reserve, or refused; ``places`` are the free ones of each kind in the waves ahead."""
    changes: list[Changed[Application]] = []
    ranked: dict[BoothKind, list[_Counted]] = {}
    least = 100 * exhibition.pass_score
    for entry in entries:
        counted = _count(exhibition, entry)
        if entry.why_refused is not None:
            changes.append(_refuse(exhibition, counted, entry.why_refused))
        elif counted.total < least:
            changes.append(_refuse(exhibition, counted, ApplicationCause.NILAI))
        else:
            ranked.setdefault(counted.application.kind, []).append(counted)
    for kind, found in ranked.items():
        found.sort(key=_Counted.key)
        free = places.get(kind, 0)
        changes += [_choose(exhibition, item, rank, has_place=rank <= free) for rank, item in enumerate(found, 1)]
    return changes
