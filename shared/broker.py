"""Kafka clients with the settings that were measured to be safe; every default that loses data is overridden.

See ``docs/decisions`` for the traps: ``acks=1``, no idempotence, ``latest``, automatic topics, committing on error.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.kafka_transport import know_closed_transports

know_closed_transports()

MAX_BATCH_BYTES = 960 * 1024
MAX_REQUEST_BYTES = 8 * 1024 * 1024
METADATA_MS = 10_000
"""After so long a client looks for new partitions; the default of 5 min would let facts in them wait for that long."""
ASK_SECONDS = 1.5
"""Below the time that a health check has."""


class AuthorityFileError(OSError):
    """The certificate of the brokers' authority cannot be had; the text names the setting, the file, and why."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach the brokers, and as whom."""

    bootstrap: str
    username: str
    password: str
    security_protocol: str = "SASL_PLAINTEXT"
    ca_file: str | None = None

    def client(self) -> dict[str, Any]:
        """Return the arguments that every aiokafka client takes. Raises ``AuthorityFileError``."""
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.security_protocol}
        if self.security_protocol.startswith("SASL_"):
            options |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._context()
        return options

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # else it would be told as a server that is away, and looked for where it is not
            why = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
            raise AuthorityFileError(f"KAFKA_CA_FILE cannot be read ({self.ca_file}: {why})") from error


def make_producer(settings: KafkaSettings, client_id: str) -> AIOKafkaProducer:
    """Return a producer, not started: idempotent, all replicas, no linger, batches up to 512 KiB."""
    return AIOKafkaProducer(
        **settings.client(),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        compression_type=None,  # sealed texts do not compress, and trying costs the relay a third (decision 11)
        request_timeout_ms=15_000,
        metadata_max_age_ms=METADATA_MS,
    )


def make_reader(settings: KafkaSettings, client_id: str, wait_ms: int = 100) -> AIOKafkaConsumer:
    """Return a consumer without a group, not started: for reads of a whole log that commit nothing.

    At the end of the log the broker keeps a read, and whatever is asked after it, waiting for up to ``wait_ms``.
    """
    return AIOKafkaConsumer(
        **settings.client(),
        client_id=client_id,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=2 * 1024 * 1024,
        fetch_max_wait_ms=wait_ms,
    )


async def partitions_of(reader: AIOKafkaConsumer, topic: str) -> list[int]:
    """Return the partitions that a topic has now; none if there is no such topic. Raises aiokafka's errors."""
    known = await reader._client.fetch_all_metadata()  # the reader's own view holds only topics that it was given
    return sorted(known.partitions_for_topic(topic) or ())


async def broker_cause(client: Any) -> str | None:
    """Ask the broker for its metadata through a running aiokafka client; return why it is not to be reached, if so.

    Only asking tells: a client without work keeps a dead connection, and one with work waits for its answer for long.
    """
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await client.fetch_all_metadata()
    except TimeoutError:
        return f"the broker gives no answer in {ASK_SECONDS:g} s"
    except (KafkaError, OSError) as error:
        return f"the broker is not to be reached ({type(error).__name__})"
    return None
