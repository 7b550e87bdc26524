"""Lives of businesses as facts: made by hand for one case, or by seed for many."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts import progress
from shared.contracts import registry as r
from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessClass, BusinessStatus, ClassBasis, ClassRecord, Kbli, Workers
from shared.envelope import Event, EventMeta

START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
KELURAHAN = ("64.71.01.1001", "64.71.02.1001", "64.71.03.1002", "TIDAK_DIKETAHUI")
SECTORS = ("kuliner", "kriya", "perdagangan", "tidak_diketahui")
SCORES = tuple(progress.AspectScore(aspect=aspect, score=score) for score, aspect in enumerate(progress.Aspect, 1))
CHECKLIST = (progress.ChecklistItem(code="nib", met=True), progress.ChecklistItem(code="kapasitas"))
LADDER = (BusinessClass.MIKRO, BusinessClass.KECIL, BusinessClass.MENENGAH)
CLASSES = (*LADDER, BusinessClass.BESAR, BusinessClass.TIDAK_DIKETAHUI)
EVIDENCE = ((), (), (r.Evidence.OSS,), (r.Evidence.NERACA, r.Evidence.SPT_TAHUNAN))


def sealed(owner_id: UUID, label: str) -> str:
    """Return a text of the form of a seal; nobody opens it here."""
    return f"nk1.{owner_id.hex}.{label}.AAAA"


def class_record(kelas: BusinessClass, year: int = 2025) -> ClassRecord:
    return ClassRecord(kelas=kelas, basis=ClassBasis.PENJUALAN, year=year, source="impor", as_of=date(2026, 2, 1))


def registered(business_id: UUID, **fields: Any) -> r.BusinessRegistered:
    owner = fields.pop("owner_id", UUID(int=business_id.int ^ 1))
    return r.BusinessRegistered(
        **{
            "business_id": business_id,
            "owner_ids": (owner,),
            "personal": sealed(owner, "business"),
            "kelurahan": KELURAHAN[0],
            "sector": "kuliner",
            "kbli": Kbli(version="2025", code="56102"),
            "capital": 5_000_000,
            "sales": 60_000_000,
            "founded_year": 2019,
            "source": "impor",
            "as_of": date(2026, 2, 1),
            "status": BusinessStatus.DRAF,
            "kelas": class_record(BusinessClass.MIKRO),
            "workers": Workers(paid_men=1, paid_women=2),
            **fields,
        }
    )


def event(fact: Fact, sequence: int, *, origin: str = "command") -> Event:
    """Return the fact with its context; id and time follow from aggregate and sequence."""
    subject = fact.aggregate_id
    meta = EventMeta(
        id=UUID(int=(subject.int + (sequence << 1)) & ((1 << 128) - 1)),
        type=fact.type_name(),
        source="/services/registry",
        subject=str(subject),
        time=START + timedelta(minutes=sequence),
        sequence=sequence,
        correlation_id="test",
        causation_id=None,
        origin=origin,
        traceparent=None,
    )
    return Event(meta, fact)


def story(*facts: Fact) -> list[Event]:
    """Return facts of one business as its events, in order from 1."""
    return [event(fact, sequence) for sequence, fact in enumerate(facts, 1)]


def random_story(seed: int, length: int) -> list[Event]:
    """Return a business's life of ``length`` facts; the same seed gives the same life."""
    dice = random.Random(seed)
    business_id = UUID(int=dice.getrandbits(128), version=4)
    owner = UUID(int=dice.getrandbits(128), version=4)
    first = registered(
        business_id,
        owner_id=owner,
        kelurahan=dice.choice(KELURAHAN),
        sector=dice.choice(SECTORS),
        kelas=class_record(dice.choice(LADDER)),
        workers=dice.choice([None, Workers(paid_men=dice.randrange(4)), Workers()]),
    )
    facts: list[Fact] = [first]
    while len(facts) < length:
        facts.append(_next(dice, business_id, owner))
    return story(*facts)


def _next(dice: random.Random, business_id: UUID, owner: UUID) -> Fact:
    reason = {"business_id": business_id, "personal": sealed(owner, "reason")}
    only = {"business_id": business_id}
    other = UUID(int=dice.getrandbits(128), version=4)
    profile = registered(business_id, owner_id=owner, kelurahan=dice.choice(KELURAHAN), sector=dice.choice(SECTORS))
    before, after = dice.choice(LADDER), dice.choice(CLASSES)
    counted = Workers(
        paid_men=dice.choice([None, dice.randrange(5)]), paid_women=dice.choice([None, dice.randrange(9)])
    )
    return dice.choice(
        [
            r.BusinessSubmitted(**only),
            r.BusinessVerified(**only),
            r.BusinessReturned(**reason),
            r.BusinessRejected(**reason),
            r.BusinessDeactivated(**reason),
            r.BusinessReactivated(**only, status=BusinessStatus.TERVERIFIKASI),
            r.BusinessClosed(**reason, closed_on=date(2026, 5, dice.randrange(1, 28))),
            r.BusinessChanged(**profile.model_dump(exclude={"status", "kelas", "workers"}), changed=("kelurahan",)),
            r.BusinessClassChanged(
                **only,
                previous=class_record(before),
                current=class_record(after, 2026),
                evidence=dice.choice(EVIDENCE),
            ),
            r.BusinessWorkersRecorded(
                **only, workers=counted, as_of=date(2024, 6, 1) + timedelta(days=dice.randrange(900))
            ),
            r.BusinessDuplicateProposed(**only, other_id=other, grounds=("name_birth_date",)),
            r.BusinessMerged(**only, into_id=other),
            r.BusinessMergeUndone(**only, from_id=other, status=BusinessStatus.DRAF),
            progress.BusinessAssessed(
                **only,
                assessment_id=other,
                method="lima_aspek",
                method_version=1,
                scores=SCORES,
                assessor="pendamping-1",
                assessed_on=date(2026, 6, 1),
            ),
            progress.BusinessExportReadinessRecorded(
                **only,
                checklist_version=1,
                items=CHECKLIST,
                ready=False,
                as_of=date(2026, 6, 2),
            ),
        ]
    )


def interleaved(stories: Sequence[Sequence[Event]], seed: int) -> Iterator[Event]:
    """Yield all events; between businesses in any order, within each in its own."""
    dice = random.Random(seed)
    queues = [list(reversed(events)) for events in stories if events]
    while queues:
        queue = dice.choice(queues)
        yield queue.pop()
        if not queue:
            queues.remove(queue)
