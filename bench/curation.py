"""Curation of five thousand applications, beside the same rows and facts written without a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from time import perf_counter
from uuid import UUID

from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import Rig
from services.events.commands import OpenBooth, OpenExhibition, Timing
from services.events.domain.models import Application, Changed, Exhibition, S
from services.events.handlers import curating, exhibitions, holding, publish
from services.events.store import applications, migrations
from shared.contracts.exhibitions import ApplicationPassed, BoothKind, Criterion, CriterionKind
from shared.database import Pool
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.wita import WITA

APPLICATIONS, PLACES, CURATORS = 5_000, 250, 3
JURY = ("kemasan", "rasa", "cerita")
FIRST = datetime(2030, 12, 3, 9, tzinfo=WITA)
CRITERIA = (
    *(Criterion(code=code, kind=CriterionKind.JURI, weight=2) for code in JURY),
    Criterion(code="resmi", kind=CriterionKind.TERVERIFIKASI, weight=1),
    Criterion(code="terlatih", kind=CriterionKind.PELATIHAN, weight=1),
    Criterion(code="berizin", kind=CriterionKind.LEGALITAS, weight=1, values=("halal_sertifikat", "p_irt")),
    Criterion(code="jarang", kind=CriterionKind.JARANG_DIBANTU, weight=1),
)
PEOPLE = """
WITH told AS (
    INSERT INTO owner_copy (owner_id, version) SELECT id, 1 FROM unnest($1::uuid[]) AS id
), licensed AS (
    INSERT INTO licence_copy (licence_id, business_id, kind, verified, expires_on, version)
    SELECT gen_random_uuid(), id, kind, true, '2031-01-31', 2
    FROM unnest($1::uuid[]) WITH ORDINALITY AS p(id, n), unnest('{halal_sertifikat,p_irt,sni}'::text[]) AS kind WHERE n % 4 = 0
), passed AS (
    INSERT INTO enrolment_copy (enrolment_id, owner_id, business_id, completed_on, version)
    SELECT gen_random_uuid(), id, id, '2030-01-15', 5 FROM unnest($1::uuid[]) WITH ORDINALITY AS p(id, n) WHERE n % 3 = 0
)
INSERT INTO business_copy (business_id, owner_ids, kelurahan, kelas, status, version)
SELECT id, ARRAY[id], '64.71.01.1001', 'mikro', CASE WHEN n % 2 = 0 THEN 'terverifikasi' ELSE 'diajukan' END, 2
FROM unnest($1::uuid[]) WITH ORDINALITY AS p(id, n)
"""
APPLY = """
INSERT INTO application (id, version, exhibition_id, owner_id, business_id, kelurahan, kind, state, applied_by, applied_at)
SELECT id, 1, $1, id, id, '64.71.01.1001', 'umum', 'kurasi', 'bench', now() FROM unnest($2::uuid[]) AS id
"""
SCORE = """
INSERT INTO score (application_id, curator, criterion, score, given_at)
SELECT id, 'kurator-' || k, c, (abs(hashtext(id::text || k || c)) % 101), now()
FROM unnest($1::uuid[]) AS id, generate_series(1, $2) AS k, unnest($3::text[]) AS c
"""


def _cause() -> Cause:
    return Cause("bench", None, "bench", "command", None, datetime.now(UTC))


async def _fill(pool: Pool) -> UUID:
    """Return an exhibition with its applications, all of them scored by every curator."""
    waves = (Timing(FIRST, FIRST + timedelta(hours=8)),)
    day = date(2030, 12, 3)
    command = OpenExhibition(
        new_id(), "Bench", "mitra", "Bench", "Lapangan", "Asia/Makassar", day, day, FIRST - timedelta(days=1), waves,
        CRITERIA, 30, CURATORS, 48,
    )  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        exhibition = await exhibitions.open_exhibition(connection, command, _cause())
        booth = OpenBooth(new_id(), exhibition.id, BoothKind.UMUM, PLACES)
        await exhibitions.open_booth(connection, booth, _cause())
        people = [new_id() for _ in range(APPLICATIONS)]
        await connection.execute(PEOPLE, people)
        await connection.execute(APPLY, exhibition.id, people)
        await connection.execute(SCORE, people, CURATORS, list(JURY))
    for table in ("score", "application", "business_copy", "enrolment_copy", "licence_copy"):
        # Whoever reads rows first marks them as committed, and pays for that; curators have read them long before.
        await pool.fetchval(f"SELECT count(*) FROM {table}")
    return exhibition.id


def _chosen(exhibition: Exhibition, application: Application) -> Changed[Application]:
    after = replace(application, version=2, state=S.LOLOS, scores={}, total=0, rank=1)
    return Changed(after, (ApplicationPassed(**after.fact_fields(), **exhibition.told(), total=0, rank=1),))


async def curation(rig: Rig, size: Size) -> Result:
    """Applications curated a second: 5,000 with 45,000 scores below a second, whatever the size of the bench."""

    async def measure(*, rule: bool) -> float:
        async with rig.database("events", migrations()) as (_, pool):
            exhibition = await _fill(pool)
            async with pool.acquire() as connection, connection.transaction():
                found = await applications.load_in_state(connection, exhibition, [S.KURASI])
                held = await holding.lock_exhibition(connection, exhibition)
                started = perf_counter()
                if rule:
                    await curating.curate(connection, exhibition, 2, _cause())
                else:
                    changes = [_chosen(held, application) for application in found]
                    await applications.save_curated(connection, [change.after for change in changes])
                    await publish(connection, changes, _cause())
            seconds = perf_counter() - started
            passed = await pool.fetchval("SELECT count(*) FROM application WHERE state = 'lolos'")
        if passed != (PLACES if rule else APPLICATIONS):
            raise VoidRunError(f"{passed} were chosen")
        return APPLICATIONS / seconds

    return await in_turn(
        Result("curation of 5,000, by the rules ÷ the same rows and facts without", "applications/s", "≥ 5,000/s"),
        size,
        partial(measure, rule=True),
        partial(measure, rule=False),
    )
