"""What the other services tell of some businesses, as facts: made by seed, each stream in its own order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from shared.contracts import exhibitions as x
from shared.contracts import licensing as li
from shared.contracts import mentoring as m
from shared.contracts import organisations as o
from shared.contracts import training as t
from shared.contracts.fact import Fact
from shared.contracts.progress import Aspect
from shared.envelope import Event
from tests.projections.stories import sealed, story

BEGINS = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)
SEAT = {"title": "Foto produk", "place": "Aula Dinas", "starts_at": BEGINS}
FAIR = {"title": "Bazar Ramadan", "place": "BSCC Dome", "zone": "Asia/Makassar"}


class Storyteller:
    """Makes streams about ``businesses`` (one at least). The same seed makes the same ones."""

    def __init__(self, seed: int, businesses: Sequence[UUID]) -> None:
        self.dice = random.Random(seed)
        self.businesses = businesses
        self._numbers = count(1)

    def new_id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)

    def business(self) -> UUID:
        return self.dice.choice(self.businesses)

    def streams(self) -> list[list[Event]]:
        """Return one year of everything: facts of every type that is read, each stream from 1."""
        course, fair, mentors = self.course(), self.exhibition(), [self.mentor() for _ in range(2)]
        found: list[list[Event]] = [course[1], fair[1], *(facts for _, facts in mentors)]
        for _ in range(4):
            enrolment_id, batch_id, facts = self.enrolment(*course[0])
            found += [facts, self.certificate(enrolment_id, batch_id)]
            found += [self.application(fair[0]), self.licence(), self.brand()]
            found.append(self.mentoring([mentor for mentor, _ in mentors]))
        return [*found, self.outlet()]

    def course(self) -> tuple[tuple[UUID, list[UUID]], list[Event]]:
        course_id, batches = self.new_id(), [self.new_id(), self.new_id()]
        year = {"starts_on": date(2026, 5, 4), "ends_on": date(2026, 5, 6)}
        facts: list[Fact] = [
            t.CourseOpened(
                course_id=course_id,
                programme_id=self.new_id(),
                programme="Naik kelas digital",
                title="Foto produk",
                held_by="dinas",
                attendance_percent=80,
                **year,
            )
        ]
        for number, batch_id in enumerate(batches, 1):
            of = {"course_id": course_id, "batch_id": batch_id}
            times = [self.session(n, BEGINS + timedelta(days=n)) for n in (1, 2, 3)]
            closes = BEGINS - timedelta(days=3)
            facts.append(
                t.BatchOpened(**of, number=number, place="Aula", quota=30, closes_at=closes, selection="langsung",
                              sessions=tuple(times))
            )  # fmt: skip
            facts.append(t.QuotaChanged(**of, previous=30, quota=40))
            if self.dice.random() < 0.5:
                moved = self.session(1, BEGINS - timedelta(days=self.dice.choice([2, 200])))
                facts.append(t.SessionMoved(**of, previous=times[0], session=moved))
        if self.dice.random() < 0.3:
            facts.append(t.BatchCancelled(course_id=course_id, batch_id=batches[1]))
        return (course_id, batches), story(*facts)

    def session(self, number: int, starts_at: datetime) -> t.SessionTime:
        return t.SessionTime(number=number, starts_at=starts_at, ends_at=starts_at + timedelta(hours=3))

    def enrolment(self, course_id: UUID, batches: Sequence[UUID]) -> tuple[UUID, UUID, list[Event]]:
        enrolment_id, batch_id = self.new_id(), self.dice.choice(batches)
        of: dict[str, Any] = {"enrolment_id": enrolment_id, "batch_id": batch_id, "course_id": course_id}
        of |= {"owner_id": self.new_id(), "business_id": self.business()}
        told = {**of, **SEAT}
        state = self.dice.choice(["diterima", "daftar_tunggu", "diajukan"])
        facts: list[Fact] = [t.EnrolmentRegistered(**told, state=state, priority=1, arrival=next(self._numbers))]
        if state == "diajukan":
            facts.append(self.dice.choice([t.EnrolmentAccepted, t.EnrolmentWaitlisted])(**told))
        if state == "daftar_tunggu":
            facts.append(t.EnrolmentOffered(**told, until=BEGINS - timedelta(days=1)))
            facts.append(self.dice.choice([t.EnrolmentAccepted, t.EnrolmentExpired])(**told))
        present = [self.dice.random() < 0.7 for _ in range(3)]
        facts += [t.AttendanceRecorded(**of, session=n, present=was) for n, was in enumerate(present, 1)]
        facts.append(t.AttendanceRecorded(**of, session=3, present=self.dice.random() < 0.5))
        facts.append(self._end_of_enrolment(of, told, sum(present)))
        return enrolment_id, batch_id, story(*facts)

    def _end_of_enrolment(self, of: dict[str, Any], told: dict[str, Any], attended: int) -> Fact:
        ended = {**of, "attended": attended, "sessions": 3}
        passed = {"programme_id": self.new_id(), "year": 2026, "title": "Foto produk", "completed_on": date(2026, 5, 6)}
        return self.dice.choice(
            [
                t.TrainingCompleted(**ended, **passed),
                t.EnrolmentFailed(**ended, cause=self.dice.choice(list(t.FailureCause))),
                t.EnrolmentWithdrawn(**told, cause=self.dice.choice(list(t.LeavingCause))),
                t.EnrolmentRejected(**of, cause=t.LeavingCause.LAINNYA),
            ]
        )

    def certificate(self, enrolment_id: UUID, batch_id: UUID) -> list[Event]:
        of = {"certificate_id": self.new_id(), "enrolment_id": enrolment_id, "batch_id": batch_id}
        of |= {"owner_id": self.new_id(), "business_id": self.business(), "number": f"UJI-{next(self._numbers)}"}
        facts: list[Fact] = [t.CertificateIssued(**of, edition=1, title="Foto produk", issued_on=date(2026, 5, 7))]
        if self.dice.random() < 0.5:
            facts.append(t.CertificateReissued(**of, edition=2, issued_on=date(2026, 6, 7)))
        if self.dice.random() < 0.3:
            facts.append(t.CertificateRevoked(**of, edition=1, cause=self.dice.choice(list(t.RevocationCause))))
        return story(*facts)

    def exhibition(self) -> tuple[UUID, list[Event]]:
        of = {"exhibition_id": self.new_id()}
        booth = {**of, "booth_id": self.new_id()}
        facts: list[Fact] = [
            x.ExhibitionOpened(**of, **FAIR, held_by="dinas", starts_on=date(2026, 3, 1), ends_on=date(2026, 3, 3),
                               closes_at=BEGINS, waves=(), criteria=(), pass_score=50),
            x.BoothOpened(**booth, number=1, kind="kuliner", capacity=3),
            x.BoothCapacityChanged(**booth, previous=3, capacity=4),
            x.ExhibitionCurated(**of, passed=3, reserved=2, rejected=1),
        ]  # fmt: skip
        if self.dice.random() < 0.5:
            facts.append(x.TurnoverPublished(**of, participants=7, reported=5, total=12_500_000))
        if self.dice.random() < 0.2:
            facts.append(x.ExhibitionCancelled(**of))
        return of["exhibition_id"], story(*facts)

    def application(self, exhibition_id: UUID) -> list[Event]:
        of: dict[str, Any] = {"application_id": self.new_id(), "exhibition_id": exhibition_id}
        of |= {"owner_id": self.new_id(), "business_id": self.business()}
        told = {**of, **FAIR}
        facts: list[Fact] = [x.ApplicationSubmitted(**of, kind="kuliner")]
        facts.append(x.ApplicationScored(**of, scores=(x.ScoreGiven(criterion="mutu", score=80),)))
        if self.dice.random() < 0.2:
            facts.append(x.ApplicationRejected(**told, cause=self.dice.choice(list(x.ApplicationCause)), total=4_000))
            return story(*facts)
        if self.dice.random() < 0.5:
            facts += [x.ApplicationReserved(**told, total=7_000, rank=4), x.ApplicationPromoted(**told)]
        else:
            facts.append(x.ApplicationPassed(**told, total=8_000, rank=1))
        return story(*facts, *self._at_the_fair(of, told))

    def _at_the_fair(self, of: dict[str, Any], told: dict[str, Any]) -> list[Fact]:
        place = {**told, "booth_id": self.new_id(), "wave": 1, "booth": 3, "starts_at": BEGINS, "confirm_by": BEGINS}
        facts: list[Fact] = [x.ApplicationPlaced(**place)]
        if self.dice.random() < 0.5:
            facts.append(x.ApplicationMoved(**place, previous_booth_id=self.new_id(), previous_wave=1))
        if self.dice.random() < 0.2:
            return [*facts, x.ApplicationWithdrawn(**told, cause=x.ApplicationCause.TIDAK_KONFIRMASI)]
        facts += [x.ApplicationConfirmed(**of), x.ApplicationNoShow(**of)]
        if self.dice.random() < 0.7:
            facts.append(x.ApplicationTookPart(**of))
            if self.dice.random() < 0.7:
                facts.append(x.SalesReported(**of, day=date(2026, 3, 1), amount=450_000))
                facts.append(x.SalesCorrected(**of, day=date(2026, 3, 1), previous=450_000, amount=550_000))
        return facts

    def outlet(self) -> list[Event]:
        of, someone, other = {"outlet_id": self.new_id()}, self.business(), self.business()
        return story(
            x.OutletOpened(
                **of, title="Pawon Colang Caling", held_by="mitra", partner="IPEMI", place="Klandasan", stalls=2
            ),
            x.OutletMemberJoined(**of, owner_id=self.new_id(), business_id=someone),
            x.OutletTurnOpened(
                **of, turn=1, starts_on=date(2026, 6, 1), ends_on=date(2026, 6, 7), business_ids=(someone, other)
            ),
            x.OutletTurnPassedOn(**of, turn=1, business_id=someone, next_business_id=self.dice.choice([None, other])),
            x.OutletMemberLeft(**of, business_id=someone, cause=x.ApplicationCause.PERMINTAAN_PESERTA),
        )

    def licence(self) -> list[Event]:
        owner = self.new_id()
        of: dict[str, Any] = {"licence_id": self.new_id(), "business_id": self.business(), "owner_id": owner}
        of["kind"] = self.dice.choice(list(li.LicenceKind))
        facts: list[Fact] = [li.LicenceSubmitted(**of, personal=sealed(owner, "licence"), expires_on=date(2026, 9, 1))]
        if self.dice.random() < 0.2:
            return story(*facts, li.LicenceRejected(**of, cause=self.dice.choice(list(li.LicenceCause))))
        facts.append(li.LicenceVerified(**of, expires_on=date(2026, 9, 1)))
        facts.append(li.LicenceExpiring(**of, expires_on=date(2026, 9, 1), span=30, days_left=30))
        if self.dice.random() < 0.5:
            facts.append(li.LicenceExpired(**of, expires_on=date(2026, 9, 1)))
        else:
            facts.append(li.LicenceRevoked(**of, cause=li.LicenceCause.DICABUT_PENERBIT, revoked_on=date(2026, 8, 1)))
        return story(*facts)

    def brand(self) -> list[Event]:
        of: dict[str, Any] = {"brand_id": self.new_id(), "mark": "MANTAU BAPAK"}
        of |= {"organisation_id": self.new_id()} if self.dice.random() < 0.3 else {"business_id": self.business()}
        facts: list[Fact] = [o.BrandFiled(**of, filed_on=date(2026, 4, 1))]
        if self.dice.random() < 0.3:
            return story(*facts, o.BrandRejected(**of, cause=o.BrandCause.DITOLAK_DJKI))
        facts.append(o.BrandRegistered(**of, registered_on=date(2026, 5, 1), expires_on=date(2036, 4, 30)))
        facts.append(o.BrandExpiring(**of, expires_on=date(2036, 4, 30), span=90, days_left=90))
        if self.dice.random() < 0.5:
            return story(*facts, o.BrandExpired(**of, expires_on=date(2036, 4, 30)))
        return story(
            *facts, o.BrandRevoked(**of, cause=self.dice.choice(list(o.BrandCause)), revoked_on=date(2030, 1, 1))
        )

    def mentor(self) -> tuple[UUID, list[Event]]:
        mentor_id = self.new_id()
        profile: dict[str, Any] = {"mentor_id": mentor_id, "account": f"pendamping-{next(self._numbers)}"}
        facts: list[Fact] = [
            m.MentorRegistered(**profile, weekly_target=5),
            m.MentorChanged(**profile, weekly_target=self.dice.randrange(1, 9)),
        ]
        if self.dice.random() < 0.3:
            facts.append(m.MentorEnded(mentor_id=mentor_id, ended_on=date(2026, 12, 1)))
        return mentor_id, story(*facts)

    def mentoring(self, mentors: Sequence[UUID]) -> list[Event]:
        of: dict[str, Any] = {"mentoring_id": self.new_id(), "business_id": self.business()}
        first, second = mentors[0], mentors[-1]
        facts: list[Fact] = [m.MentoringStarted(**of, mentor_id=first, started_on=date(2026, 3, 2))]
        for _ in range(self.dice.randrange(3)):
            day = date(2026, 3, 2) + timedelta(days=self.dice.randrange(40))
            aspects = tuple(self.dice.sample(list(Aspect), 2))
            way = self.dice.choice(list(m.VisitWay))
            facts.append(
                m.MentoringVisited(
                    **of, mentor_id=first, visit_id=self.new_id(), visited_on=day, way=way, aspects=aspects
                )
            )
        facts.append(
            m.MentoringHandedOver(**of, mentor_id=second, previous_mentor_id=first, handed_over_on=date(2026, 4, 20))
        )
        if self.dice.random() < 0.5:
            cause = self.dice.choice(list(m.MentoringCause))
            facts.append(m.MentoringEnded(**of, mentor_id=second, cause=cause, ended_on=date(2026, 5, 5)))
        return story(*facts)


def service_streams(seed: int, businesses: Sequence[UUID]) -> list[list[Event]]:
    """Return what the other services tell of some businesses, stream by stream."""
    return Storyteller(seed, businesses).streams()
