"""What a checkpoint stands on: which clusters, topics, databases, schemas and tables; and whether they are still the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import chain

import asyncpg
from confluent_kafka import TopicCollection, Uuid

from ops.audit.checkpoint import Ground, MovedError, RefusedError
from ops.audit.reading import Connections, side_by_side
from ops.kafka_admin.client import TIMEOUT_SECONDS, operator_client
from ops.ledger import read_ledger
from shared.broker import KafkaSettings

_CLUSTER = """
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       (SELECT timeline_id::text FROM pg_control_checkpoint()) || '/' ||
       (SELECT oid::text FROM pg_database WHERE datname = current_database())
"""
_ASKED = ("subscription", "effect_declared", "notifying_since")
"""Views that say what the audit asks of a service."""


async def read_ground(kafka: KafkaSettings, connections: Connections, topics: Sequence[str]) -> Ground:
    """Return the ground as it is now. Raises the errors of the servers; ``MovedError`` if a topic is not there."""
    cluster, ids = await asyncio.to_thread(_topic_ids, kafka, topics)
    asked = await side_by_side(_database(each) for each in connections.values())
    found = dict(zip(connections, asked, strict=True))
    return Ground(
        cluster,
        ids,
        {service: row[0] for service, row in found.items()},
        {service: row[1] for service, row in found.items()},
        {service: row[2] for service, row in found.items()},
        await _generations(connections),
    )


async def _database(connection: asyncpg.Connection) -> tuple[str, str, str]:
    """Return a database's cluster, its life, and its schema."""
    cluster, life = await connection.fetchrow(_CLUSTER)
    return cluster, life, await _schema(connection)


def _topic_ids(kafka: KafkaSettings, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
    admin = operator_client(kafka)
    known = admin.list_topics(timeout=TIMEOUT_SECONDS)
    if absent := [topic for topic in topics if topic not in known.topics]:
        raise MovedError(f"the topic {absent[0]} is not there")
    described = admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_SECONDS)
    ids = {topic: future.result(TIMEOUT_SECONDS).topic_id for topic, future in described.items()}
    return str(known.cluster_id), {topic: _written(found) for topic, found in ids.items()}


def _written(found: Uuid) -> str:
    return f"{found.get_most_significant_bits()}/{found.get_least_significant_bits()}"


async def _schema(connection: asyncpg.Connection) -> str:
    told = [f"{name} {digest}" for name, digest in (await read_ledger(connection)).items()]
    for view in _ASKED:
        if await connection.fetchval("SELECT to_regclass('audit.' || $1) IS NOT NULL", view):
            rows = await connection.fetch(f"SELECT t::text FROM audit.{view} t ORDER BY 1")  # noqa: S608 - names from above
            told += [f"{view} {row[0]}" for row in rows]
    return sha256("\n".join(told).encode()).hexdigest()


async def _generations(connections: Connections) -> str:
    projections = connections.get("projections")
    if projections is None or not await projections.fetchval("SELECT to_regclass('audit.generation') IS NOT NULL"):
        return ""
    rows = await projections.fetch("SELECT t::text FROM audit.generation t ORDER BY 1")
    return "\n".join(row[0] for row in rows)


def compare_ground(proved: Ground, now: Ground) -> None:
    """Look whether a proof carries: ``now`` may be of some services and topics only.

    Raises ``RefusedError`` if it is of another cluster, ``MovedError`` if something came in the place of what was proved.
    """
    # A service that a newer release brought was not proved at all: that is another schema, not another cluster.
    known = {service: cluster for service, cluster in now.clusters.items() if service in proved.clusters}
    others = [f"PostgreSQL of {service}" for service in _differing(proved.clusters, known)]
    if proved.kafka != now.kafka:
        others.append("Kafka")
    if others:
        raise RefusedError(
            f"The checkpoint is of another cluster ({', '.join(others)}): what it proved says nothing of this one. "
            "Run `naikkelas audit`, which reads all and leaves a new one."
        )
    moved = chain(
        (f"the topic {topic} was made anew" for topic in _differing(proved.topics, now.topics)),
        (f"the database of {service} was recovered or made anew" for service in _differing(proved.lives, now.lives)),
        (f"the schema of {service} has changed" for service in _differing(proved.schemas, now.schemas)),
    )
    if (first := next(moved, None)) is not None:
        raise MovedError(first)
    if now.generations and proved.generations != now.generations:
        raise MovedError("a projection was rebuilt")


def _differing(proved: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for name, value in now.items() if proved.get(name) != value]
