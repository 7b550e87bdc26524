"""Commands of curators: scores, and the curation itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.events.commands import GiveScores
from services.events.domain import curation as rules
from services.events.domain.exhibitions import check_held, is_open, of_exhibition, places_ahead
from services.events.domain.models import Exhibition, S
from services.events.domain.refusals import NotYetClosedError, UnscoredError
from services.events.handlers import Saved, publish
from services.events.handlers.holding import lock_exhibition, share_exhibition
from services.events.store import applications as store
from services.events.store import exhibitions
from shared.contracts.exhibitions import ExhibitionCurated
from shared.database import Connection
from shared.outbox import Cause
from shared.refusals import check_version

TRAINING_DAYS = 730
"""A training of the two years before an exhibition counts."""


@dataclass(frozen=True, slots=True)
class Curated:
    """What a curation came to."""

    id: UUID
    version: int
    passed: int
    reserved: int
    rejected: int


def trainings_since(exhibition: Exhibition) -> date:
    """Return from which day on a training counts for an exhibition."""
    return exhibition.starts_on - timedelta(days=TRAINING_DAYS)


async def give_scores(connection: Connection, command: GiveScores, cause: Cause) -> list[Saved]:
    """Store what a curator gives. Curators do not wait for one another, unless they score the same application.

    Raises ``ScoreError``, ``StrangersError``, ``AlreadyCuratedError``.
    """
    exhibition = await share_exhibition(connection, command.exhibition_id)
    check_held(exhibition)
    ids = [judgement.application_id for judgement in command.judgements]
    found = await store.lock_applications(connection, exhibition.id, ids)
    changes = rules.give_scores(exhibition, command.judgements, found)
    await store.save_scores(connection, command.curator, command.judgements, cause.now)
    await store.save_applications(connection, [change.after for change in changes])
    await publish(connection, changes, cause)
    return [Saved(change.after.id, change.after.version) for change in changes]


async def _counts(connection: Connection, exhibition: Exhibition) -> Curated:
    states = await store.count_states(connection, exhibition.id)
    chosen = sum(count for state, count in states.items() if state not in {S.CADANGAN, S.DITOLAK})
    return Curated(exhibition.id, exhibition.version, chosen, states[S.CADANGAN], states[S.DITOLAK])


async def curate(connection: Connection, exhibition_id: UUID, expected_version: int, cause: Cause) -> Curated:
    """Choose after the deadline, once. Raises ``UnscoredError``, ``NotYetClosedError``, ``StaleVersionError``.

    Said again, the second changes nothing and returns how the applications stand now.
    """
    exhibition = await lock_exhibition(connection, exhibition_id)
    if exhibition.curated:
        return await _counts(connection, exhibition)
    check_version(exhibition.version, expected_version)
    check_held(exhibition)
    if not exhibition.recorded and is_open(exhibition, cause.now):
        raise NotYetClosedError(exhibition.zone, exhibition.closes_at)
    entries = await store.load_entries(connection, exhibition.id, trainings_since(exhibition), exhibition.starts_on)
    lacking = rules.unscored(exhibition, entries)
    if lacking:
        raise UnscoredError(lacking, exhibition.curators)
    places = places_ahead(exhibition, await exhibitions.list_booths(connection, exhibition.id), cause.now)
    changes = rules.curate(exhibition, entries, places)
    await store.save_curated(connection, [change.after for change in changes])
    came = Counter(change.after.state for change in changes)
    passed, reserved, rejected = came[S.LOLOS], came[S.CADANGAN], came[S.DITOLAK]
    fact = ExhibitionCurated(exhibition_id=exhibition.id, passed=passed, reserved=reserved, rejected=rejected)
    whole = of_exhibition(exhibition, fact, curated=True)
    await publish(connection, [*changes, whole], cause, exhibitions.saved_exhibition(whole.after))
    return Curated(exhibition.id, whole.after.version, passed, reserved, rejected)
