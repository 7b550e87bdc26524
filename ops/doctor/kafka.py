"""Asking the brokers: release, topics as declared, copies, rights, groups. Nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError as WireError
from aiokafka.protocol.admin import ApiVersionRequest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource

from ops.cli.lag import GroupLag, read_lag
from ops.doctor.postgresql import Unreachable
from ops.kafka_admin.client import TIMEOUT_SECONDS, client_config
from ops.kafka_admin.plan import Plan, TopologyError, make_plan
from shared.broker import KafkaSettings
from shared.topology import DECLARED_TOPICS, PRINCIPALS

ASK_SECONDS = 8.0

Versions = Mapping[int, tuple[int, int]]
"""Key of a request of Kafka's protocol → oldest and newest version that the broker takes."""


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """How a topic is kept. Numbers are those of its worst partition."""

    name: str
    copies: int
    in_sync: int
    least_in_sync: int
    """``min.insync.replicas``: with fewer nothing can be written."""


@dataclass(frozen=True, slots=True)
class KafkaSeen:
    """The brokers, as they were found."""

    brokers: int
    versions: Versions = field(default_factory=dict)
    """Of one broker."""
    plan: Plan | None = None
    unfit: str | None = None
    """Why no plan can be made."""
    topics: tuple[TopicSeen, ...] = ()
    groups: tuple[GroupLag, ...] = ()


def look_at_kafka(settings: KafkaSettings, patience: float = ASK_SECONDS) -> KafkaSeen | Unreachable:
    """Ask the brokers as the operator; ``patience``: seconds until the first answer."""
    heard: list[KafkaError] = []
    admin = AdminClient({**client_config(settings), "error_cb": heard.append})
    try:
        cluster = admin.list_topics(timeout=patience)
        plan, unfit = _plan(admin, settings.username)
        topics = _topics(admin, cluster)
        return KafkaSeen(len(cluster.brokers), _versions(settings), plan, unfit, topics, tuple(read_lag(admin)))
    except KafkaException as error:
        admin.poll(0)  # it hears why only when it is asked
        refused = [told for told in heard if told.code() == KafkaError._AUTHENTICATION]
        return Unreachable([error.args[0], *heard, *refused][-1].str().rstrip("."))


def _plan(admin: AdminClient, operator: str) -> tuple[Plan | None, str | None]:
    declared = [principal for principal in PRINCIPALS if principal.name != operator]
    try:
        return make_plan(admin, DECLARED_TOPICS, declared), None
    except TopologyError as error:
        return None, str(error)


def _topics(admin: AdminClient, cluster: ClusterMetadata) -> tuple[TopicSeen, ...]:
    there = [topic.name for topic in DECLARED_TOPICS if topic.name in cluster.topics]
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in there]
    futures = admin.describe_configs(resources, request_timeout=TIMEOUT_SECONDS) if resources else {}
    found = []
    for name, future in zip(there, futures.values(), strict=True):
        partitions = cluster.topics[name].partitions.values()
        least = future.result(TIMEOUT_SECONDS)["min.insync.replicas"].value
        copies, in_sync = (min(len(getattr(it, kind)) for it in partitions) for kind in ("replicas", "isrs"))
        found.append(TopicSeen(name, copies, in_sync, int(least)))
    return tuple(found)


def _versions(settings: KafkaSettings) -> dict[int, tuple[int, int]]:
    """Return what a broker takes; nothing if it does not tell."""
    try:
        return asyncio.run(_ask_versions(settings))
    except (WireError, OSError, TimeoutError):
        return {}


async def _ask_versions(settings: KafkaSettings) -> dict[int, tuple[int, int]]:
    client = AIOKafkaClient(**settings.client())
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await client.bootstrap()
            answer = await client.send(client.get_random_node(), ApiVersionRequest())
            return {key: (oldest, newest) for key, oldest, newest in answer.api_versions}
    finally:
        await client.close()
