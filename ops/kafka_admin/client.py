"""The administration client: confluent-kafka's, since aiokafka's knows neither ACLs nor SCRAM users."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from shared.broker import KafkaSettings

TIMEOUT_SECONDS = 15.0
ANSWER_SECONDS = TIMEOUT_SECONDS + 5.0
"""How long an answer is waited for: longer than the request takes to give up, which then says why."""
NO_ANSWER: tuple[type[Exception], ...] = (KafkaException, TimeoutError)
"""What a request raises that was refused, or of which nobody knows what came of it."""


def client_config(settings: KafkaSettings) -> dict[str, Any]:
    """Return librdkafka's configuration for these settings; it prints nothing by itself."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": settings.security_protocol,
        "log_level": 0,
        "error_cb": _silent,
        "reconnect.backoff.max.ms": 500,
        "socket.timeout.ms": 10_000,
    }
    if settings.security_protocol.startswith("SASL_"):
        config |= {
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": settings.username,
            "sasl.password": settings.password,
        }
    if (ca_file := trusted(settings)) is not None:
        config["ssl.ca.location"] = ca_file
    return config


def kcat_config(kafka: KafkaSettings) -> dict[str, str]:
    """Return the properties that kcat (and any librdkafka client) takes; under TLS with the authority that signed the brokers' certificate."""
    config = {
        "bootstrap.servers": kafka.bootstrap,
        "security.protocol": kafka.security_protocol,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": kafka.username,
        "sasl.password": kafka.password,
    }
    return config | ({} if (ca_file := trusted(kafka)) is None else {"ssl.ca.location": ca_file})


def trusted(kafka: KafkaSettings) -> str | None:
    """Return the file with the authority of the brokers; ``None``: without TLS, or where the machine's own list of authorities knows it."""
    return kafka.ca_file if kafka.ca_file and kafka.security_protocol.endswith("SSL") else None


def why_not(error: Exception) -> str:
    """Return what one of ``NO_ANSWER`` says of its cause."""
    return str(error.args[0].str()) if isinstance(error, KafkaException) else "no answer in time"


def _silent(_error: object) -> None:
    """Take what librdkafka tells on the side: each call raises its own error."""


def operator_client(settings: KafkaSettings) -> AdminClient:
    """Return an administration client, not connected yet."""
    return AdminClient(client_config(settings))
