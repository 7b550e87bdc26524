"""Topics, principals and their rights, declared once; ``naikkelas topics apply`` makes the broker match."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.contracts.exhibitions import APPLICATION_TOPIC, EXHIBITION_TOPIC, OUTLET_TOPIC
from shared.contracts.licensing import LICENCE_TOPIC
from shared.contracts.mentoring import MENTOR_TOPIC, MENTORING_TOPIC
from shared.contracts.organisations import BRAND_TOPIC, ORGANISATION_TOPIC
from shared.contracts.partnership import AGREEMENT_TOPIC
from shared.contracts.public import PUBLIC_FACTS
from shared.contracts.registry import BUSINESS_TOPIC, IMPORT_TOPIC, OWNER_TOPIC
from shared.contracts.training import CERTIFICATE_TOPIC, COURSE_TOPIC, ENROLMENT_TOPIC

DAY_MS = 24 * 60 * 60 * 1000
KEEP_FOR_EVER = -1
STREAM_PREFIX = "umkm."
AGENCY_PREFIX = "umkm.agency."
PUBLIC_PREFIX = "umkm.public."
AGENCY_PARTITIONS = 3
AGENCY_DAYS = 30
"""How long an agency may stay away: after that its group's offsets are forgotten too. The feed goes further back."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One aggregate stream. The number of partitions may be raised (decision 16), and is never lowered."""

    name: str
    partitions: int
    retention_ms: int = KEEP_FOR_EVER
    max_message_bytes: int = 8 * 1024 * 1024
    timestamp_type: str = "CreateTime"
    """``LogAppendTime``: the time of a record is when the broker took it, whatever its fact says."""

    def config(self) -> dict[str, str]:
        """Return the topic's configuration as the broker takes it."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": self.timestamp_type,
            # The time of a fact is by the clock of whoever made it. A broker refuses what is more than an hour ahead of its own,
            # and one such fact would hold the outbox up for good.
            "message.timestamp.after.max.ms": str(2**63 - 1),
        }


@dataclass(frozen=True, slots=True)
class Principal:
    """A Kafka user with the exact rights it needs. ``group_prefix`` names the consumer groups it may use."""

    name: str
    reads: tuple[str, ...] = field(default=())
    writes: tuple[str, ...] = field(default=())
    write_prefixes: tuple[str, ...] = field(default=())
    """It may write every topic whose name begins so."""
    group_prefix: str | None = None
    superuser: bool = False


TOPICS: tuple[Topic, ...] = (
    Topic(OWNER_TOPIC, partitions=6),
    Topic(BUSINESS_TOPIC, partitions=6),
    Topic(IMPORT_TOPIC, partitions=1),
    Topic(LICENCE_TOPIC, partitions=6),
    Topic(ORGANISATION_TOPIC, partitions=1),
    Topic(BRAND_TOPIC, partitions=3),
    Topic(MENTOR_TOPIC, partitions=1),
    Topic(MENTORING_TOPIC, partitions=3),
    Topic(COURSE_TOPIC, partitions=3),
    Topic(ENROLMENT_TOPIC, partitions=6),
    Topic(CERTIFICATE_TOPIC, partitions=6),
    Topic(EXHIBITION_TOPIC, partitions=3),
    Topic(APPLICATION_TOPIC, partitions=6),
    Topic(OUTLET_TOPIC, partitions=3),
    Topic(AGREEMENT_TOPIC, partitions=1),
)
"""The streams of facts, each written by the service that owns its aggregates."""


def public_topic(source: str) -> Topic:
    """Return the topic with what is public of a stream, for every agency. It holds nobody's data, so nothing of it is ever deleted."""
    return Topic(PUBLIC_PREFIX + source.removeprefix(STREAM_PREFIX), partitions=1)


PUBLIC_TOPICS: tuple[Topic, ...] = tuple(map(public_topic, dict.fromkeys(fact.TOPIC for fact in PUBLIC_FACTS)))
DECLARED_TOPICS: tuple[Topic, ...] = TOPICS + PUBLIC_TOPICS
"""All that a broker must have; the topics of agencies are made with their users."""

PRINCIPALS: tuple[Principal, ...] = (
    Principal(
        "registry",
        writes=(
            OWNER_TOPIC,
            BUSINESS_TOPIC,
            IMPORT_TOPIC,
            LICENCE_TOPIC,
            ORGANISATION_TOPIC,
            BRAND_TOPIC,
            MENTOR_TOPIC,
            MENTORING_TOPIC,
        ),
    ),
    Principal(
        "training",
        reads=(OWNER_TOPIC, BUSINESS_TOPIC, ORGANISATION_TOPIC),
        writes=(COURSE_TOPIC, ENROLMENT_TOPIC, CERTIFICATE_TOPIC),
        group_prefix="training",
    ),
    Principal(
        "events",
        reads=(OWNER_TOPIC, BUSINESS_TOPIC, ENROLMENT_TOPIC, LICENCE_TOPIC, ORGANISATION_TOPIC),
        writes=(EXHIBITION_TOPIC, APPLICATION_TOPIC, OUTLET_TOPIC),
        group_prefix="events",
    ),
    Principal(
        "projections",
        reads=(
            BUSINESS_TOPIC,
            LICENCE_TOPIC,
            BRAND_TOPIC,
            MENTOR_TOPIC,
            MENTORING_TOPIC,
            COURSE_TOPIC,
            ENROLMENT_TOPIC,
            CERTIFICATE_TOPIC,
            EXHIBITION_TOPIC,
            APPLICATION_TOPIC,
            OUTLET_TOPIC,
        ),
        group_prefix="projections",
    ),
    Principal(
        "notifications",
        reads=(
            OWNER_TOPIC,
            BUSINESS_TOPIC,
            IMPORT_TOPIC,
            COURSE_TOPIC,
            ENROLMENT_TOPIC,
            CERTIFICATE_TOPIC,
            APPLICATION_TOPIC,
            LICENCE_TOPIC,
            BRAND_TOPIC,
        ),
        group_prefix="notifications",
    ),
    Principal(
        "partners",
        reads=(
            OWNER_TOPIC,
            BUSINESS_TOPIC,
            IMPORT_TOPIC,
            LICENCE_TOPIC,
            ORGANISATION_TOPIC,
            BRAND_TOPIC,
            MENTOR_TOPIC,
            MENTORING_TOPIC,
            COURSE_TOPIC,
            ENROLMENT_TOPIC,
            CERTIFICATE_TOPIC,
            EXHIBITION_TOPIC,
            APPLICATION_TOPIC,
            OUTLET_TOPIC,
        ),
        writes=(AGREEMENT_TOPIC, *(topic.name for topic in PUBLIC_TOPICS)),
        write_prefixes=(AGENCY_PREFIX,),
        group_prefix="partners",
    ),
    Principal("operator", superuser=True),
)
CONSUMING = tuple(item.name for item in PRINCIPALS if item.group_prefix == item.name)
"""Services with a consumer of their own name, which may have events set aside."""

EVERY_AGENCY = Principal("agencies", reads=tuple(topic.name for topic in PUBLIC_TOPICS))
"""Stands for the users of all agencies in what is told of topics. It is no user: those are made one by one."""


def agency_topic(code: str) -> Topic:
    """Return the topic of an agency. It is made with its user, not with the others: agencies come and go."""
    # Kafka forgets by the time of records. What an agency is first granted is up to the whole retention of the feed old: by the
    # time of the facts most of it would be gone within minutes, read or not.
    return Topic(
        AGENCY_PREFIX + code, AGENCY_PARTITIONS, retention_ms=AGENCY_DAYS * DAY_MS, timestamp_type="LogAppendTime"
    )
