"""How a major version ends, from the first change that is published in both to the day on which nobody reads the older one.

On real servers: the change through an outbox and a relay into Kafka, agencies by the API and the portal, and the operator's command.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from ops.cli import readers as asking
from services.partners.consumers import TOPICS
from shared.broker import make_reader, partitions_of
from shared.consumer.records import Item, read_item
from shared.contracts import CONTRACTS
from shared.contracts.endings import ENDINGS, Ending
from shared.contracts.registry import BUSINESS_TOPIC, BusinessVerified
from shared.majors import Majors
from shared.outbox import Cause, append, outbox_depth
from shared.relay import Relay
from tests.desk import rule_of
from tests.partners.bureau import DEFINITION, VERIFIED, Bureau, agreement_form
from tests.partners.portal import shown, visitor
from tests.partners.test_type_readers import MOVED, NEXT, BusinessVerifiedAnew, Servers, ask, redraft
from tests.stack.servers import Kafka

OLD, NEW, TWO = {VERIFIED: ["business_id"]}, {NEXT: ["business_id"]}, {VERIFIED: ["business_id"], NEXT: ["business_id"]}
END = Ending(date(2027, 3, 1), NEXT)
SOURCE = "/services/registry"


async def verify(bureau: Bureau, business_id: UUID, version: int) -> None:
    """Verify a business as a handler does while both majors are published: two facts in one transaction, the older first."""
    facts = [
        (version, BusinessVerified(business_id=business_id)),
        (version + 1, BusinessVerifiedAnew(business_id=business_id)),
    ]
    cause = Cause("uji", None, "petugas-a", "command", None, datetime.now(UTC))
    async with bureau.pool.acquire() as connection, connection.transaction():
        await append(connection, SOURCE, facts, cause)


async def relay(bureau: Bureau, kafka: Kafka) -> None:
    """Let a relay publish all that is stored."""
    stop = asyncio.Event()
    running = asyncio.create_task(Relay(bureau.database.dsn, kafka.credentials(), "uji").run(stop))
    async with asyncio.timeout(60):
        while await outbox_depth(bureau.pool):
            await asyncio.sleep(0.02)
    stop.set()
    await running


async def records(kafka: Kafka, business_id: UUID, count: int) -> list[Item]:
    """Return what the topic holds of a business, once so many records of it are there."""
    reader = make_reader(kafka.credentials(), "uji")
    await reader.start()
    found: list[Item] = []
    try:
        assert await partitions_of(reader, BUSINESS_TOPIC)
        reader.subscribe([BUSINESS_TOPIC])
        async with asyncio.timeout(60):
            while len(found) < count:
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    found += [read_item(record) for record in batch if record.key == str(business_id).encode()]
    finally:
        await reader.stop()
    return found


def told(events: Sequence[Any]) -> list[tuple[str, int]]:
    """Return types and sequences of events."""
    return [(event.get_type(), int(event.get_extension("sequence"))) for event in events]


async def may_end() -> tuple[int, str]:
    """Ask whether the first major may end; return the exit code, and who reads it."""
    done = await ask("--may-end", "business.verified.v1")
    return done.exit_code, done.stderr


@pytest.fixture
def two_majors(bureau: Bureau, kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Bureau:
    """A second major is published, our services have gone over to it, and the command finds the servers of this test."""
    monkeypatch.setitem(CONTRACTS, NEXT, BusinessVerifiedAnew)
    monkeypatch.setattr(asking, "running_stack", lambda: Servers(bureau, kafka))
    monkeypatch.setattr(asking, "read_lag", lambda _admin: [])  # groups of other tests stay on the broker
    monkeypatch.setattr(asking, "declared", lambda _now: MOVED)
    return bureau


async def test_a_change_in_both_majors_reaches_each_agency_in_those_that_it_is_granted(
    two_majors: Bureau, kafka: Kafka
) -> None:
    bureau = two_majors
    for agency, grants in {"lama": OLD, "baru": NEW, "dua": TWO}.items():
        await bureau.agree(grants, agency=agency)
    (business,) = await bureau.businesses(1)
    for version in (2, 4):
        await verify(bureau, business, version)
    await relay(bureau, kafka)
    log = await records(kafka, business, 4)
    assert [(item.address.type, item.address.sequence) for item in log if item.address] == [
        (VERIFIED, 2), (NEXT, 3), (VERIFIED, 4), (NEXT, 5),
    ]  # fmt: skip
    await bureau.deliver(replace(DEFINITION, types=Majors(TOPICS).types), log)
    assert told(await bureau.read_all(agency="lama")) == [(VERIFIED, 2), (VERIFIED, 4)]
    assert told(await bureau.read_all(agency="baru")) == [(NEXT, 3), (NEXT, 5)]
    both = await bureau.read_all(agency="dua")
    assert told(both) == [(VERIFIED, 2), (NEXT, 3), (VERIFIED, 4), (NEXT, 5)]
    assert [both[0].get_time(), both[2].get_time()] == [both[1].get_time(), both[3].get_time()]


async def test_a_major_may_end_when_the_last_agency_has_moved_and_is_granted_to_nobody_anew(
    two_majors: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = two_majors
    first = await bureau.agree(OLD, agency="lama")
    both = await bureau.agree(TWO, agency="dua")
    late = await bureau.operator().new("/agreements", agreement_form(OLD, agency="telat"))
    await bureau.do_with(late, "signatures")
    (business,) = await bureau.businesses(1)
    monkeypatch.setitem(ENDINGS, VERIFIED, END)

    refused = await bureau.operator().post("/agreements", agreement_form(OLD, agency="kemudian"))
    assert rule_of(refused) == (422, "jenis-peristiwa-berakhir")
    told_why = refused.json()
    assert (told_why["event_type"], told_why["successor"], told_why["last_day"]) == (VERIFIED, NEXT, "2027-03-01")
    for words in (VERIFIED, NEXT, "sampai 1 Maret 2027"):
        assert words in told_why["detail"]
    second = await bureau.operator("operator-b").post(
        f"/agreements/{late}/signatures", None, await bureau.version(late)
    )
    assert rule_of(second) == (422, "jenis-peristiwa-berakhir")
    fresh = await bureau.agree(NEW, agency="kemudian")
    form = agreement_form(TWO)
    del form["agency"]
    amended = await bureau.operator().put(f"/agreements/{fresh}/draft", form, await bureau.version(fresh))
    assert rule_of(amended) == (422, "jenis-peristiwa-berakhir")

    await bureau.hear(bureau.story.verified(business))  # what was granted goes on
    assert told(await bureau.read_all(agency="lama")) == [(VERIFIED, 2)]
    await redraft(bureau, first, OLD)  # and may stay in an amendment of its text
    for language, words in (("id", "Diterbitkan sampai 1 Maret 2027."), ("en", "Published until 1 March 2027.")):
        page = await shown(visitor(bureau, "lama"), f"{language}/perjanjian/{first}")
        assert words in page
        assert f"<code>{NEXT}</code>" in page

    (item,) = json.loads((await ask("business.verified.v1", "--json")).stdout)["types"]
    assert item["ends"] == {"last_day": "2027-03-01", "successor": NEXT}
    assert {each["agreement_id"] for each in item["agencies"]} == {first, both}
    code, who = await may_end()
    assert (code, first in who, both in who) == (1, True, True)
    for agreement, left in ((both, 1), (first, 0)):
        await redraft(bureau, agreement, NEW)
        await bureau.sign_twice(agreement)
        code, who = await may_end()
        assert (code, len(who.splitlines())) == (left, left)
