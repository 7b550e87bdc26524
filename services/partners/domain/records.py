"""What an agency sees of an event as a Kafka record: CloudEvents 1.0, Kafka protocol binding, binary mode. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shared.envelope import Header

CONTENT = "datacontenttype"
DATA = "data"


def record_parts(shown: Mapping[str, Any]) -> tuple[bytes, bytes, list[Header]]:
    """Return key, value and headers of what ``showing.show`` gave: the attributes it has and no others.

    The key is the aggregate's id, so that all events of an aggregate are in one partition.
    """
    headers: list[Header] = [("content-type", str(shown[CONTENT]).encode())]
    headers += [(f"ce_{name}", str(value).encode()) for name, value in shown.items() if name not in {CONTENT, DATA}]
    return str(shown["subject"]).encode(), orjson.dumps(shown[DATA]), headers
