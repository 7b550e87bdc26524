"""What a user of an agency may take of a broker: bytes and time. Kafka slows down who takes more, and refuses nothing.

confluent-kafka's client knows no quotas, so the request is written here (AlterClientQuotas, version 0) and sent by aiokafka's.
Source: the Kafka protocol guide, API key 49.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from ops.kafka_admin.client import TIMEOUT_SECONDS
from shared.broker import KafkaSettings

LIMITS = {"consumer_byte_rate": 4.0 * 1024 * 1024, "request_percentage": 20.0}
"""Of each broker: bytes a second, and per cent of one thread's time."""

_ENTITY = Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))


class QuotaError(Exception):
    """The broker did not take the limits; one sentence."""


class _Answer(Response):  # type: ignore[misc]  # aiokafka declares no types
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", String("utf-8")), ("entity", _ENTITY))),
    )


class _Change(RequestStruct):  # type: ignore[misc]  # aiokafka declares no types
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", _ENTITY), ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean)))
            ),
        ),
        ("validate_only", Boolean),
    )


class _Limiting(Request[_Change]):  # type: ignore[misc]  # aiokafka declares no types
    API_KEY = 49

    def __init__(self, users: Sequence[str]) -> None:
        self._users = users

    def build(self, request_struct_class: type[_Change]) -> _Change:
        """Return the request that limits all users."""
        limits = [(key, value, False) for key, value in LIMITS.items()]
        return request_struct_class([([("user", user)], limits) for user in self._users], False)


def limit_users(operator: KafkaSettings, users: Sequence[str]) -> None:
    """Set the limits of users, whether or not they exist yet. Raises ``QuotaError``."""
    asyncio.run(_limit(operator, users))


async def _limit(operator: KafkaSettings, users: Sequence[str]) -> None:
    client = AIOKafkaClient(**operator.client())
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await client.bootstrap()
            answer = await client.send(client.get_random_node(), _Limiting(users))
    except (KafkaError, OSError, TimeoutError) as error:
        raise QuotaError(f"Kafka took no limits ({type(error).__name__}).") from error
    finally:
        await client.close()
    for code, message, *_ in answer.entries:
        if code:
            raise QuotaError(f"Kafka refused the limits: {message or code}.")
