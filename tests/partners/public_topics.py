"""What the office tells of its own programme, and the public topics as tests see them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from confluent_kafka import Consumer, Message, TopicPartition

from ops.kafka_admin.agencies import Access
from ops.kafka_admin.client import client_config
from shared.contracts.exhibitions import ExhibitionCurated, ExhibitionOpened, OutletMemberJoined, OutletOpened, Wave
from shared.contracts.training import BatchOpened, CourseOpened, EnrolmentRegistered, QuotaChanged, SessionTime
from shared.envelope import Event
from tests.notifications.story import Story
from tests.partners.agency_topics import parsed, settings_of
from tests.partners.bureau import Bureau
from tests.stack.servers import Kafka

COURSE = "umkm.public.course"
READ_SECONDS = 30.0
WHEN = datetime(2026, 12, 1, 1, tzinfo=UTC)
TYPED = "Aula DKUMKMP, hubungi 0812-0000-0001 atau siti@umkm.example, NIK 6471014107909901"
"""A place as somebody in a hurry enters it."""


def course_opened(story: Story) -> Event:
    """A course is planned."""
    return story.event(
        CourseOpened(
            course_id=uuid4(),
            programme_id=uuid4(),
            programme="Digitalisasi UMKM",
            title="Pemasaran Digital",
            held_by="dinas",
            starts_on=date(2026, 12, 1),
            ends_on=date(2026, 12, 31),
            attendance_percent=80,
        )
    )


def batch_opened(story: Story, course_id: UUID, place: str = TYPED) -> Event:
    """A batch of it takes enrolments."""
    return story.event(
        BatchOpened(
            course_id=course_id,
            batch_id=uuid4(),
            number=1,
            place=place,
            quota=20,
            closes_at=WHEN,
            selection="langsung",
            sessions=(SessionTime(number=1, starts_at=WHEN, ends_at=WHEN + timedelta(hours=3)),),
        )
    )


def quota_changed(story: Story, course_id: UUID, quota: int) -> Event:
    """A batch has more seats."""
    return story.event(QuotaChanged(course_id=course_id, batch_id=uuid4(), previous=quota - 1, quota=quota))


def exhibition_with_outcome(story: Story) -> list[Event]:
    """An exhibition is opened and curated; how many were chosen is not public."""
    opened = story.event(
        ExhibitionOpened(
            exhibition_id=uuid4(),
            title="Bazar Ramadan",
            held_by="dinas",
            place="Lapangan Merdeka",
            zone="Asia/Makassar",
            starts_on=date(2027, 2, 20),
            ends_on=date(2027, 2, 22),
            closes_at=WHEN,
            waves=(Wave(number=1, starts_at=WHEN, ends_at=WHEN + timedelta(hours=8)),),
            criteria=(),
            pass_score=60,
        )
    )
    curated = ExhibitionCurated(exhibition_id=opened.fact.aggregate_id, passed=1, reserved=0, rejected=1)
    return [opened, story.event(curated)]


def outlet_with_member(story: Story, owner_id: UUID, business_id: UUID) -> list[Event]:
    """An outlet is opened, and a business takes part; only the first is public."""
    opened = story.event(
        OutletOpened(outlet_id=uuid4(), title="Pawon Colang Caling", held_by="dinas", place="Klandasan", stalls=8)
    )
    joined = OutletMemberJoined(outlet_id=opened.fact.aggregate_id, owner_id=owner_id, business_id=business_id)
    return [opened, story.event(joined)]


def enrolled(story: Story, owner_id: UUID, business_id: UUID, course_id: UUID) -> Event:
    """Somebody enrols, which is nobody else's business."""
    return story.event(
        EnrolmentRegistered(
            enrolment_id=uuid4(),
            batch_id=uuid4(),
            course_id=course_id,
            owner_id=owner_id,
            business_id=business_id,
            title="Pemasaran Digital",
            place="Aula",
            starts_at=WHEN,
            state="diterima",
            priority=0,
            arrival=1,
        )
    )


async def until_public(bureau: Bureau, stream: str = "course") -> None:
    """Wait until a public topic's position is at the end of its stream."""
    query = (
        "SELECT s.last = p.position FROM stream s JOIN kafka_position p ON p.stream = s.name"
        " WHERE p.agency = '*' AND s.name = $1"
    )
    async with asyncio.timeout(30):
        while not await bureau.pool.fetchval(query, stream):
            await asyncio.sleep(0.02)


def _read(kafka: Kafka, access: Access, topic: str) -> list[Message]:
    """Return all records of a topic, as an agency's client gets them without a group."""
    consumer = Consumer(client_config(settings_of(kafka, access)) | {"group.id": f"{access.group_prefix}{uuid4().hex}"})
    try:
        known = consumer.list_topics(topic, timeout=15).topics[topic]
        assert known.error is None, known.error
        found: list[Message] = []
        for number in known.partitions:
            place = TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=15)
            consumer.assign([place])
            deadline = monotonic() + READ_SECONDS
            while end and (not found or (found[-1].offset() or 0) < end - 1):
                assert monotonic() < deadline, "the topic's end was not reached"
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    found.append(message)
        return found
    finally:
        consumer.close()


async def read_public(
    kafka: Kafka, access: Access, subjects: Collection[UUID], topic: str = COURSE
) -> tuple[list[Any], list[Message]]:
    """Return what a public topic holds of some aggregates: the broker is that of all tests. As events and as records."""
    keys = {str(subject).encode() for subject in subjects}
    messages = [message for message in await asyncio.to_thread(_read, kafka, access, topic) if message.key() in keys]
    return parsed(messages), messages
