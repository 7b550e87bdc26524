"""A Django site with the event bus of Open edX, set up as the README of edx-event-bus-kafka says.

The one thing beside its settings: it can log in by SASL/PLAIN over TLS or not at all, and our broker asks for
SCRAM-SHA-512; so the clients' login is put in where it makes their configuration.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import unquote, urlsplit

import attr
import django
from django.conf import settings
from told import TOLD

EVENT = "org.openedx.bench.thing.changed.v1"
dsn, kafka = urlsplit(TOLD["dsn"]), TOLD["kafka"]
settings.configure(
    INSTALLED_APPS=["openedx_events", "edx_event_bus_kafka"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": dsn.path.lstrip("/"),
            "USER": unquote(dsn.username or ""),
            "PASSWORD": unquote(dsn.password or ""),
            "HOST": dsn.hostname,
            "PORT": dsn.port,
            "CONN_MAX_AGE": None,
        }
    },
    EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS=kafka["bootstrap"],
    EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL=TOLD["schema_registry"],
    EVENT_BUS_PRODUCER="edx_event_bus_kafka.create_producer",
    EVENT_BUS_CONSUMER="edx_event_bus_kafka.KafkaEventConsumer",
    # As its own documents say of busy deployments: the line per message is for audits.
    EVENT_BUS_KAFKA_AUDIT_LOGGING_ENABLED=False,
    EVENT_BUS_PRODUCER_CONFIG={EVENT: {TOLD["topic"]: {"event_key_field": "thing.id", "enabled": True}}},
)

from edx_event_bus_kafka.internal import config, consumer, producer  # noqa: E402
from openedx_events.tooling import OpenEdxPublicSignal  # noqa: E402


@attr.s(frozen=True)
class ThingData:
    """What changed."""

    id = attr.ib(type=str)
    mark = attr.ib(type=str)
    pad = attr.ib(type=str)


THING_CHANGED = OpenEdxPublicSignal(event_type=EVENT, data={"thing": ThingData})
_settings = config.load_common_settings


def _with_login() -> dict[str, Any]:
    return {
        **(_settings() or {}),
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": kafka["username"],
        "sasl.password": kafka["password"],
    }


def start() -> None:
    """Set Django up."""
    logging.basicConfig(level=logging.WARNING)
    consumer.load_common_settings = producer.load_common_settings = _with_login
    django.setup()
