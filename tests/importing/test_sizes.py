"""What a business and a fact take, in bytes: docs/scale.md is computed from it."""

from __future__ import annotations

import pytest

from bench.scale.costs import SIZE
from shared.broker import KafkaSettings
from shared.relay.publishing import Publisher
from tests.importing.office import Office, csv_text, row

ROWS = 3_000
TABLES = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind IN ('r', 'm') AND relname ~ $1"


async def test_bytes_of_a_business_and_of_a_fact_are_those_that_plans_are_made_with(office: Office) -> None:
    await office.run(csv_text([row(number) for number in range(ROWS)]))
    facts = await office.count("outbox")
    registry = await office.pool.fetchval(TABLES, "^(owner|owner_key|business|business_owner)$") / ROWS
    outbox = await office.pool.fetchval(TABLES, "^outbox") / facts
    publisher = Publisher(KafkaSettings("127.0.0.1:1", "registry", "x"), "sizes")
    sizes = []
    for found in await office.pool.fetch("SELECT * FROM outbox"):
        texts = {"key": str(found["partition_key"]), "event_id": str(found["event_id"])}
        texts["occurred_at"] = found["occurred_at"].isoformat()
        _, key, value, headers = publisher.record_of(dict(found) | texts)
        sizes.append(len(key) + len(value) + sum(len(name) + len(text or b"") + 2 for name, text in headers) + 12)
    assert registry == pytest.approx(SIZE.registry, rel=0.15)
    assert outbox == pytest.approx(SIZE.outbox, rel=0.15)
    assert sum(sizes) / len(sizes) == pytest.approx(SIZE.record, rel=0.15)
