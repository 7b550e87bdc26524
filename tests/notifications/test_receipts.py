"""Receipts on a real PostgreSQL and over real HTTP: twice, early, in any order, of strangers; and what they set going."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, permutations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from ops.providers.faults import Fault
from ops.providers.provider import Taken
from services.notifications.app import create_app
from services.notifications.domain.receipts import AttemptState, Receipt, key_of
from services.notifications.domain.routes import Routes
from services.notifications.handlers.receiving import Effect, Keeping, take_receipts
from shared.auth import Role
from shared.database import create_pool
from tests.kernel.web_client import client_of
from tests.notifications.mailbox import Mailbox
from tests.notifications.processes import Start
from tests.notifications.serving import Token
from tests.notifications.story import Story
from tests.notifications.telephones import ACCOUNT, ORDER, Telephones, settings_of, telephone_environment
from tests.notifications.waiting import until
from tests.notifications.workshop import Workshop

NO_STAND_IN = Routes(frozenset({"whatsapp"}))
ALL = Routes(frozenset(ORDER), ORDER)
TOLD_AT = datetime(2026, 11, 25, 4, tzinfo=UTC)


async def sent(telephones: Telephones, story: Story, channel: str = "whatsapp") -> Taken:
    """Send one message by a channel and return it as its provider has it."""
    provider = telephones.graph if channel == "whatsapp" else telephones.gateway
    await telephones.workshop.apply(story.owner(channel=channel))
    await telephones.workshop.send()
    return provider.taken[-1]


def receipt(taken: Taken, state: AttemptState, *, referring: bool = True) -> Receipt:
    reference = UUID(taken.reference) if referring and taken.reference else None
    reason = "whatsapp_131026" if state is AttemptState.FAILED else None
    return Receipt("whatsapp", key_of("whatsapp", taken.id), reference, state, reason, TOLD_AT)


async def state_of(workshop: Workshop, taken: Taken) -> tuple[str, str]:
    """Return how message and attempt of a taken one stand."""
    row = await workshop.pool.fetchrow(
        "SELECT m.state, a.state FROM message m JOIN message_attempt a ON a.message_id = m.id WHERE a.id = $1",
        UUID(taken.reference or ""),
    )
    return row[0], row[1]


async def test_any_order_of_receipts_ends_in_the_same_rows(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    kinds = (AttemptState.SENT, AttemptState.FAILED, AttemptState.DELIVERED, AttemptState.READ)
    for chosen in chain.from_iterable(combinations(kinds, size) for size in (1, 2, 3, 4)):
        ends = set()
        for number, order in enumerate(permutations(chosen)):
            taken = await sent(telephones, story)
            told = [receipt(taken, state, referring=number % 2 == 0) for state in (*order, *order[:1])]
            await take_receipts(workshop.pool, told, NO_STAND_IN)
            ends.add(await state_of(workshop, taken))
        assert len(ends) == 1, chosen
    assert await workshop.pool.fetchval("SELECT count(*) FROM receipt WHERE attempt_id IS NULL") == 0


async def test_a_receipt_that_200_tell_at_once_moves_its_message_once(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    taken = await sent(telephones, story)
    told = [[receipt(taken, state)] for state in (AttemptState.DELIVERED, AttemptState.READ) for _ in range(100)]
    counted: Counter[Effect] = Counter()
    for found in await asyncio.gather(*(take_receipts(workshop.pool, one, ALL) for one in told)):
        counted.update(found)
    assert await state_of(workshop, taken) == ("read", "read")
    assert counted.total() == 200
    assert counted[Effect.APPLIED] in (1, 2)
    steps = await workshop.pool.fetchval("SELECT count(*) FROM message_step WHERE actor = 'receipt/whatsapp'")
    assert steps == counted[Effect.APPLIED]
    assert await workshop.pool.fetchval("SELECT count(*) FROM receipt") == 2


@pytest.mark.parametrize("referring", [True, False])
@pytest.mark.parametrize("channel", ["whatsapp", "sms"])
async def test_receipts_that_come_before_the_answer_are_not_lost(
    workshop: Workshop, telephones: Telephones, story: Story, channel: str, referring: bool
) -> None:
    provider = telephones.graph if channel == "whatsapp" else telephones.gateway
    provider.manner.early, provider.manner.repeats_reference, provider.manner.twice = True, referring, True
    provider.manner.tells = ("delivered", "sent")
    await sent(telephones, story, channel)
    assert await telephones.message() == (channel, "delivered", None)
    assert await telephones.attempts() == [(channel, "delivered", None)]
    assert {status for status, _ in provider.told} == {200}


async def test_a_failure_that_is_told_before_the_answer_counts(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    telephones.graph.manner.early = True
    telephones.graph.manner.unreachable = {"+6281200000001"}
    await sent(telephones, story)
    await telephones.send_on()
    assert await telephones.message() == ("sms", "sent", None)
    assert await telephones.attempts() == [("whatsapp", "failed", "whatsapp_131026"), ("sms", "accepted", None)]
    assert (len(telephones.graph.taken), len(telephones.gateway.taken)) == (1, 1)


async def test_settling_and_telling_at_once_lose_nothing(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    telephones.graph.manner.repeats_reference = False
    telephones.graph.manner.tells = ("delivered",)
    await workshop.apply(*(story.owner(channel="whatsapp", phones=(f"+62812000{n:05}",)) for n in range(60)))
    await asyncio.gather(*(workshop.send(workshop.sender(number=number)) for number in range(4)))

    async def all_arrived() -> bool:
        return {state for _, state, _ in await workshop.states()} == {"delivered"}

    await until(all_arrived)
    assert len(telephones.graph.taken) == 60


async def test_a_receipt_says_undeliverable_and_only_then_the_next_channel_is_asked(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox
) -> None:
    taken = await sent(telephones, story)
    await telephones.graph.tell(taken, "sent")
    await telephones.send_on()
    assert telephones.gateway.taken == mailbox.bodies == []
    telephones.graph.manner.twice = True
    await telephones.graph.tell(taken, "failed", "sent")
    assert await telephones.message() == ("sms", "queued", "fallback_to_sms_whatsapp_131026")
    await telephones.send_on()
    [text] = telephones.gateway.taken
    await telephones.gateway.tell(text, "sent", "undeliverable")
    assert await telephones.message() == ("email", "queued", "fallback_to_email_sms_absent_subscriber")
    await telephones.send_on()
    assert await telephones.message() == ("email", "sent", None)
    assert [state for _, state, _ in await telephones.attempts()] == ["failed", "failed", "accepted"]
    assert (len(telephones.graph.taken), len(telephones.gateway.taken), len(mailbox.bodies)) == (1, 1, 1)


async def test_what_arrived_after_all_goes_by_no_other_channel(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    taken = await sent(telephones, story)
    await telephones.graph.tell(taken, "failed", "delivered")
    await telephones.send_on()
    assert telephones.gateway.taken == []
    assert (await telephones.message())[1] == "delivered"
    await telephones.graph.tell(taken, "failed", "read")
    assert (await telephones.message())[1] == "read"


async def test_an_officers_words_are_kept_sealed_until_the_message_has_arrived(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    owner = story.owner(channel="whatsapp")
    business = story.business(owner.fact.aggregate_id)
    returned = story.returned(business.fact.aggregate_id, owner.fact.aggregate_id, "NIB tidak terbaca")
    await workshop.apply(owner, business, returned)
    await workshop.send()
    [taken] = [taken for taken in telephones.graph.taken if "NIB tidak terbaca" in taken.texts[1]]
    await telephones.graph.tell(taken, "failed")
    await telephones.send_on()
    [text] = telephones.gateway.taken
    assert "NIB tidak terbaca" in text.texts[0]
    await telephones.gateway.tell(text, "delivered")
    assert await workshop.pool.fetchval("SELECT count(*) FROM message WHERE sealed_reason IS NOT NULL") == 0


async def post(telephones: Telephones, path: str, body: bytes, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        answer: httpx2.Response = await client.post(
            f"{telephones.api}{path}",
            content=body,
            headers={"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()},
        )
    return answer


async def test_a_receipt_of_a_message_that_we_do_not_know_is_kept_and_said_so(
    workshop: Workshop, telephones: Telephones
) -> None:
    taken = Taken("wamid.HBgN", "+6281200000009", str(uuid4()), ())
    body, headers = telephones.graph.receipt(taken, "delivered")
    for _ in range(2):
        answer = await post(telephones, "/receipts/whatsapp", body, **headers)
        assert (answer.status_code, answer.json()) == (200, {"applied": 0, "known": 0, "kept": 1, "ignored": 0})
    [row] = await workshop.pool.fetch("SELECT state, attempt_id FROM receipt")
    assert tuple(row) == ("delivered", None)
    keeping = Keeping(workshop.pool, lambda: datetime.now(UTC) + timedelta(days=29))
    assert await keeping.tick() == 0
    assert await Keeping(workshop.pool, lambda: datetime.now(UTC) + timedelta(days=31)).tick() == 1


async def test_who_does_not_sign_is_a_stranger(workshop: Workshop, telephones: Telephones, story: Story) -> None:
    taken = await sent(telephones, story)
    body, headers = telephones.graph.receipt(taken, "failed")
    changed = body.replace(b"failed", b"Failed")
    wrong = [
        (body, {}),
        (changed, headers),
        (body, {"X-Hub-Signature-256": "sha256=" + "0" * 64}),
        (body, {"X-Hub-Signature": headers["X-Hub-Signature-256"]}),
    ]
    for content, shown in wrong:
        assert (await post(telephones, "/receipts/whatsapp", content, **shown)).status_code == 403
    report = b'{"reports":[]}'
    for shown in ({}, {"Authorization": "Bearer salah"}, {"Authorization": "rahasia-sms-untuk-tes"}):
        assert (await post(telephones, "/receipts/sms", report, **shown)).status_code == 403
    assert await workshop.pool.fetchval("SELECT count(*) FROM receipt") == 0
    assert (await telephones.message())[1] == "sent"


async def test_what_cannot_be_kept_is_to_be_told_again(telephones: Telephones, tmp_path: Path) -> None:
    away = await create_pool("postgresql://notifications@127.0.0.1:1/notifications", min_size=0, max_size=1)
    app = create_app(settings_of(telephones.graph, telephones.gateway, tmp_path), away)
    taken = Taken("wamid.HBgN", "+6281200000009", str(uuid4()), ())
    body, headers = telephones.graph.receipt(taken, "delivered")
    async with client_of(app) as client:
        answer = await client.post("/receipts/whatsapp", content=body, headers=headers)
    await away.close()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_what_people_write_to_us_is_not_read(workshop: Workshop, telephones: Telephones) -> None:
    message = {"from": "6281200000001", "id": "wamid.x", "timestamp": "1", "type": "text", "text": {"body": "halo"}}
    body, headers = telephones.graph.signed(telephones.graph.callback_of({"messages": [message]}))
    answer = await post(telephones, "/receipts/whatsapp", body, **headers)
    assert (answer.status_code, answer.json()) == (200, {"applied": 0, "known": 0, "kept": 0, "ignored": 0})
    body, headers = telephones.graph.signed({"object": "page"})
    assert (await post(telephones, "/receipts/whatsapp", body, **headers)).status_code == 400


@pytest.mark.parametrize(
    ("mode", "token", "status"),
    [("subscribe", ACCOUNT.verify_token, 200), ("subscribe", "x", 403), ("x", ACCOUNT.verify_token, 403)],
)
async def test_meta_finds_out_whether_the_address_is_ours(
    telephones: Telephones, mode: str, token: str, status: int
) -> None:
    asked = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
    async with httpx2.AsyncClient() as client:
        answer = await client.get(f"{telephones.api}/receipts/whatsapp", params=asked)
    assert answer.status_code == status
    if status == 200:
        assert (answer.text, answer.headers["content-type"].partition(";")[0]) == ("1158201444", "text/plain")


async def test_a_channel_that_is_not_run_takes_no_receipts(api: httpx2.AsyncClient) -> None:
    for path in ("/receipts/whatsapp", "/receipts/sms"):
        assert (await api.post(path, content=b"{}")).status_code == 404


async def test_the_office_sees_each_attempt(
    workshop: Workshop, telephones: Telephones, story: Story, api: httpx2.AsyncClient, token: Token
) -> None:
    taken = await sent(telephones, story)
    await telephones.graph.tell(taken, "failed")
    await telephones.send_on()
    [row] = await workshop.messages()
    answer = await api.get(f"/messages/{row['id']}/attempts", headers=token(Role.PETUGAS_DINAS))
    seen = [(item["channel"], item["state"], item["reason"]) for item in answer.json()["items"]]
    assert seen == [("whatsapp", "failed", "whatsapp_131026"), ("sms", "accepted", None)]
    assert (await api.get(f"/messages/{uuid4()}/attempts", headers=token(Role.OPERATOR))).status_code == 404
    refused = await api.get(f"/messages/{row['id']}/attempts", headers=token(Role.KURATOR))
    assert refused.status_code == 403


async def test_killed_between_acceptance_and_commit_it_is_unknown_told_by_receipts_and_never_sent_twice(
    due: Workshop, telephones: Telephones, story: Story, start: Start
) -> None:
    graph = telephones.graph
    variables = telephone_environment(graph, telephones.gateway)
    graph.manner.faults.append(Fault.SILENT)
    await due.apply(story.owner(channel="whatsapp"))
    first = await start(**variables)
    await graph.wait_for(1, 60)
    first.kill()
    await first.wait()
    await due.apply(story.owner(channel="whatsapp", phones=("+6281200000002",)))
    await start(**variables)

    async def settled() -> bool:
        return sorted(state for _, state, _ in await due.states()) == ["sent", "unknown"]

    await until(settled, 60)
    assert ("owner_registered", "unknown", "sender_lost") in await due.states()
    assert sorted(state for _, state, _ in await telephones.attempts()) == ["accepted", "unknown"]
    assert [taken.to for taken in graph.taken] == ["+6281200000001", "+6281200000002"]
    await graph.tell(graph.taken[0], "read", "delivered")
    rows: Sequence[Any] = await due.messages()
    assert sorted(row["state"] for row in rows) == ["read", "sent"]
    assert graph.asked == 2
