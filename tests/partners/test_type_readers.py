"""Which agreements keep a major version alive, on real servers: one in each state, and an agency that moves to a second major."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition
from typer.testing import CliRunner

from ops.cli import contracts as command
from ops.cli import readers as asking
from ops.contracts.agreements import read_agreements
from ops.contracts.readers import Declared, Platform, Readers, readers_of
from services.partners.handlers.ticking import Ticker
from shared.broker import KafkaSettings
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessVerified
from shared.database import connected
from tests.partners.bureau import VERIFIED, Bureau, agreement_form
from tests.stack.servers import Kafka
from tests.stack.test_lag import commit

GRANTED = {VERIFIED: ["business_id"]}


class BusinessVerifiedAnew(BusinessVerified):
    """A second major that is nowhere but here."""

    MAJOR: ClassVar[int] = 2


NEXT = BusinessVerifiedAnew.type_name()
MOVED = (
    Declared("training", frozenset({NEXT})),
    Declared("partners", frozenset({VERIFIED, NEXT}), passed_on=frozenset({VERIFIED, NEXT})),
)
"""Our services after they have gone over to the second major."""


async def readers(bureau: Bureau, fact: type[Fact] = BusinessVerified) -> Readers:
    """Return who reads a type, as the login of the audit sees it."""
    return readers_of(fact, MOVED, Platform([], await read_agreements(bureau.database.audit_dsn)))


async def agencies(bureau: Bureau) -> dict[str, str]:
    """Return the agencies that keep the first major, with the states of their agreements."""
    return {item.agreed.agency: item.agreed.state for item in (await readers(bureau)).agencies}


async def redraft(bureau: Bureau, agreement: str, grants: Mapping[str, list[str]]) -> None:
    """Propose another text."""
    form = agreement_form(grants)
    del form["agency"]
    answer = await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
    assert answer.status_code == 200, answer.text


async def let_time_pass(bureau: Bureau, agreement: str) -> None:
    """Let the time of an agreement be over, without anybody having told so."""
    async with connected(bureau.database.superuser_dsn) as connection:
        over = datetime.now(UTC) - timedelta(seconds=1)
        await connection.execute("UPDATE agreement SET expires_at = $2 WHERE id = $1", agreement, over)
        await connection.execute(
            "UPDATE agreement_text SET terms = jsonb_set(terms, '{expires_at}', to_jsonb($2::text)) WHERE agreement_id = $1",
            agreement,
            over.isoformat(),
        )


async def test_what_grants_or_may_yet_counts_and_what_is_written_or_over_does_not(bureau: Bureau) -> None:
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    await bureau.operator().new("/agreements", agreement_form(GRANTED, agency="draf"))
    half = await bureau.operator().new("/agreements", agreement_form(GRANTED, agency="setengah"))
    await bureau.do_with(half, "signatures")
    await bureau.agree(GRANTED, agency="nanti", starts_at=later)
    await bureau.agree(GRANTED, agency="aktif")
    suspended = await bureau.agree(GRANTED, agency="ditangguhkan")
    await bureau.do_with(suspended, "suspension", {"cause": "permintaan_instansi"})
    ended = await bureau.agree(GRANTED, agency="berakhir")
    await bureau.do_with(ended, "end", {"cause": "tujuan_selesai"})
    other = {name: ["business_id"] for name in CONTRACTS if name.endswith("business.registered.v1")}
    await bureau.agree(other, agency="lain")
    left = {"nanti": "ditandatangani", "aktif": "aktif", "ditangguhkan": "ditangguhkan"}
    assert await agencies(bureau) == left
    over = await bureau.agree(GRANTED, agency="habis")
    assert await agencies(bureau) == left | {"habis": "aktif"}
    for passed in (over, suspended):
        await let_time_pass(bureau, passed)
    del left["ditangguhkan"]
    assert await agencies(bureau) == left
    assert await Ticker(bureau.pool, 1.0, timedelta(days=365)).tick() == 2
    assert await agencies(bureau) == left


async def test_an_agency_holds_the_first_major_until_it_has_agreed_to_the_second(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONTRACTS, NEXT, BusinessVerifiedAnew)
    agreement = await bureau.agree(GRANTED)
    assert ((await readers(bureau)).may_end, (await readers(bureau)).agencies[0].agreed.revision) == (False, 1)
    await redraft(bureau, agreement, {NEXT: ["business_id"]})
    await bureau.do_with(agreement, "signatures")
    assert (await readers(bureau)).may_end is False
    await bureau.do_with(agreement, "signatures", subject="operator-b")
    first, second = await readers(bureau), await readers(bureau, BusinessVerifiedAnew)
    assert (first.may_end, first.sentences()) == (True, [])
    assert [(item.agreed.agreement_id, item.agreed.revision) for item in second.agencies] == [(agreement, 2)]


async def test_who_sleeps_is_seen_by_when_it_was_last_given_anything(bureau: Bureau) -> None:
    await bureau.agree(GRANTED, ways=["feed", "kafka"])
    (business,) = await bureau.businesses(1)
    (asleep,) = (await readers(bureau)).agencies
    assert asleep.given == {"feed": None, "kafka": None}
    await bureau.hear(bureau.story.verified(business))
    before = datetime.now(UTC)
    assert len(await bureau.read_all()) == 1
    (awake,) = (await readers(bureau)).agencies
    last = awake.given["feed"]
    assert awake.given == {"feed": last, "kafka": None}
    assert last is not None
    assert timedelta(seconds=-1) < last - before < timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the command finds the servers of this test."""

    bureau: Bureau
    kafka: Kafka

    def dsn(self, database: str, login: str) -> str:
        """Return the DSN of the only database that the command looks into."""
        assert (database, login) == ("partners", "audit")
        return self.bureau.database.audit_dsn

    def credentials(self, principal: str) -> KafkaSettings:
        """Return how a principal reaches Kafka."""
        return self.kafka.credentials(principal)


async def ask(*words: str) -> Any:
    """Run the command, which has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, command.app, ["readers", *words])


async def test_the_command_asks_groups_and_agreements(
    bureau: Bureau, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "running_stack", lambda: Servers(bureau, kafka))
    agreement, stranger = await bureau.agree(GRANTED), f"uji-{uuid4().hex[:8]}"
    await asyncio.to_thread(commit, kafka.admin, stranger, TopicPartition(BusinessVerified.TOPIC, 0, 0))
    answer = json.loads((await ask("business.verified.v1", "--json")).stdout)
    (found,) = answer["types"]
    assert (answer["not_asked"], found["may_end"], found["ends"]) == ([], False, None)
    assert {item["service"]: item["passes_on"] for item in found["services"]} == dict.fromkeys(
        ("training", "events", "projections", "notifications"), False
    ) | {"partners": True}
    assert all(item["group_state"] is not None for item in found["services"])
    assert stranger in {item["group"] for item in found["other_groups"]}
    assert [(item["agency"], item["agreement_id"]) for item in found["agencies"]] == [("dpmptsp", agreement)]
    refused = await ask("--may-end", "business.verified.v1")
    assert refused.exit_code == 1
    assert f"The agreement {agreement} of dpmptsp (revision 1, aktif" in refused.stderr
    assert f"The group {stranger} (empty) is on umkm.business" in refused.stderr
    assert refused.stdout == f"{VERIFIED} may not end.\n"
    table = (await ask("business.verified.v1")).stdout
    assert "dpmptsp (aktif)" in table
    assert "never" in table
    kafka.admin.delete_consumer_groups([stranger])[stranger].result(15)


async def test_what_nobody_reads_may_end_and_a_server_that_is_silent_proves_nothing(
    bureau: Bureau, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "running_stack", lambda: Servers(bureau, kafka))
    monkeypatch.setattr(asking, "read_lag", lambda _admin: [])  # groups of other tests stay on the broker
    done = await ask("--may-end", "agreement.drafted.v1")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "id.go.balikpapan.umkm.agreement.drafted.v1 may end: nobody reads it.\n"
    gone = bureau.database.audit_dsn.replace(bureau.database.name, "gone")
    monkeypatch.setattr(Servers, "dsn", lambda *_: gone)
    silent = await ask("--may-end", "agreement.drafted.v1")
    assert (silent.exit_code, silent.stdout) == (2, "")
    assert "Agreements are not known" in silent.stderr
