"""Who is compared: ours first, then the others, each with the settings that its own documents recommend."""

from __future__ import annotations

from dataclasses import dataclass, replace

RATE, LATENCY, CRASH, CONSUMER, POISON, RIVALS, AWAY = "rate", "latency", "P1", "P2", "P9", "P15", "away"
PUBLISHING = (RATE, LATENCY, CRASH, RIVALS, AWAY)
CONSUMING = (CONSUMER, POISON)


@dataclass(frozen=True, slots=True)
class Peer:
    """One way from a change to its effect. Programs are scripts in ``programs``; their Python is the environment's."""

    name: str
    what: str
    environment: str | None
    """Whose packages: of ``requirements-<environment>.txt``, or ours."""
    packages: tuple[str, ...]
    """Whose versions are told."""
    commands: str
    settings: tuple[str, ...]
    """What is set, and which document says so."""
    relay: str | None = None
    consumer: str | None = None
    setup: str | None = None
    tables: str = ""
    in_place: bool = False
    """Its consumer takes the rows from the outbox itself, so no relay runs beside it."""
    patience: float = 8.0
    """Seconds without anything new after which what is missing counts as lost: longer than its own leases and retries."""
    options: tuple[tuple[str, int], ...] = ()
    """What its programs are told beside the rest."""
    connector: tuple[tuple[str, str], ...] = ()
    """Settings of Debezium's connector beside the rest."""
    scenarios: tuple[str, ...] = (*PUBLISHING, *CONSUMING)


OURS = Peer(
    "Naik Kelas",
    "outbox by snapshot difference, relay, consumer layer with positions",
    None,
    ("aiokafka", "asyncpg", "faststream"),
    "ours_commands.py",
    ("the relay and the consumer layer as the services run them",),
    relay="bench.relay_process",
    consumer="ours_consumer.py",
    patience=30.0,
)
FASTSTREAM = Peer(
    "FastStream",
    "plain publisher and subscriber with defaults",
    None,
    ("faststream", "aiokafka"),
    "faststream_commands.py",
    (
        "`broker.publish()` awaited after the commit, `acks=1`; subscriber with the default `AckPolicy.ACK_FIRST` "
        "(FastStream, *Acknowledgement*), one message at a time",
        "beside the defaults: `group_id`, and `auto_offset_reset=earliest`, so that what is counted is the policy and not "
        "where a new group begins",
    ),
    consumer="faststream_consumer.py",
    patience=12.0,
)
_OUTBOX = (
    "row in the session of the change, relay by the stacked publisher (README; docs/usage/relay.md); the key by "
    "`KafkaResponse`, since the relay has none",
    "`dlq_table` (docs/operations/checklist.md), `outbox_autovacuum_ddl` (docs/operations/alembic.md), "
    "`lease_ttl_seconds=60`, `ExponentialRetry`, `LISTEN/NOTIFY`: the defaults",
    "`fetch_batch_size=100`, `terminal_flush_batch_size=100` for the relay (docs/concepts/performance.md: high throughput, "
    "idempotent readers), `min_fetch_interval=0.1`, `max_fetch_interval=1.0` (docs/usage/subscriber.md: a queue of high priority); `logger=None`, so that it does not write two lines a row",
)
OUTBOX = Peer(
    "faststream-outbox",
    "outbox rows claimed with `SKIP LOCKED`, relayed one by one",
    "outbox",
    ("faststream-outbox", "faststream", "aiokafka", "SQLAlchemy", "asyncpg"),
    "outbox_commands.py",
    (
        *_OUTBOX,
        "`max_workers=1`: “if you need strict per-aggregate ordering, … run a single worker” (docs/introduction/how-it-works.md)",
        "consumer: it brings none for Kafka; P2 and P9 use its second documented form, rows handled in place, `max_workers=1`",
    ),
    relay="outbox_relay.py",
    consumer="outbox_consumer.py",
    setup="outbox_setup.py",
    in_place=True,
    patience=75.0,
    options=(("max_workers", 1),),
)
OUTBOX_FAST = Peer(
    "faststream-outbox, 4 workers",
    "the same with `max_workers=4`, as its README's queue",
    "outbox",
    ("faststream-outbox",),
    "outbox_commands.py",
    (*_OUTBOX[2:], "`max_workers=4` (README); its documents promise no order then"),
    relay="outbox_relay.py",
    setup="outbox_setup.py",
    patience=75.0,
    options=(("max_workers", 4),),
    scenarios=(RATE, RIVALS),
)
EDX = Peer(
    "edx-event-bus-kafka",
    "Django signals sent to Kafka after the commit",
    "edx",
    ("edx_event_bus_kafka", "openedx-events", "confluent-kafka", "Django"),
    "edx_commands.py",
    (
        "`EVENT_BUS_PRODUCER`, `EVENT_BUS_CONSUMER`, `EVENT_BUS_PRODUCER_CONFIG`, `manage.py consume_events` (README)",
        "`send_event` in `transaction.on_commit`, `prepare_for_shutdown()` at the end; the receiver writes its effect with "
        "Django's connection",
        "its consumer commits after each message, failed or not (docstring of `EVENT_BUS_KAFKA_CONSUMER_CONSECUTIVE_ERRORS_LIMIT`)",
        "not its own: SCRAM put into its client configuration, since it knows SASL/PLAIN over TLS only; a registry of schemas "
        "with the two calls that it makes, since Confluent's is not in the public registry",
    ),
    consumer="edx_consumer.py",
    patience=15.0,
)
DEBEZIUM = Peer(
    "Debezium outbox event router",
    "rows of an outbox table, read from PostgreSQL's log by Kafka Connect",
    None,
    (),
    "debezium_commands.py",
    (
        "columns `id, aggregatetype, aggregateid, type, payload jsonb`, `EventRouter`, `tombstones.on.delete=false` "
        "(Debezium, *Outbox Event Router*); `pgoutput`, `publication.autocreate.mode=filtered`, `snapshot.mode=no_data` "
        "(*PostgreSQL connector*)",
        "String converters, `route.topic.replacement=outbox.${routedByValue}`, `ConnectStandalone` with Connect's defaults "
        "(`acks=all`, `offset.flush.interval.ms=60000`), `wal_level=logical` for all of this run",
        "two at once: it has one task by design, so the second worker stands by on the same slot; it brings no consumer",
    ),
    relay="debezium",
    tables="CREATE TABLE outboxevent (id uuid PRIMARY KEY, aggregatetype varchar(255) NOT NULL, "
    "aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb)",
    patience=75.0,
    scenarios=PUBLISHING,
)
DEBEZIUM_FAST = replace(
    DEBEZIUM,
    name="Debezium, polling every 10 ms",
    what="the same, set for latency",
    settings=("`poll.interval.ms=10` (*PostgreSQL connector*: how long to wait for a batch to fill, 500 by default)",),
    connector=(("poll.interval.ms", "10"),),
    scenarios=(LATENCY,),
)
PEERS = (OURS, OUTBOX, OUTBOX_FAST, FASTSTREAM, EDX, DEBEZIUM, DEBEZIUM_FAST)
