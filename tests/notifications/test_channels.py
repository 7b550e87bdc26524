"""WhatsApp and SMS against servers that answer as the real ones: one channel at a time, nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import replace

import pytest

from ops.providers.faults import Fault
from services.notifications.commands import ResendMessage
from services.notifications.domain.timing import Rate
from services.notifications.handlers.channels import SmsChannel, SmsGateway, WhatsAppAccount, WhatsAppChannel
from services.notifications.handlers.fanning import FanOut
from services.notifications.handlers.operating import resend_message
from tests.notifications.city import announce, finish
from tests.notifications.mailbox import Mailbox, Mood
from tests.notifications.story import Story
from tests.notifications.telephones import ACCOUNT, Telephones, dump
from tests.notifications.waiting import until
from tests.notifications.workshop import Clock, Workshop

PHONE = "+6281200000001"


async def test_an_owner_who_chose_whatsapp_gets_a_template_message(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox
) -> None:
    await workshop.apply(story.owner(channel="whatsapp"))
    await workshop.send()
    [taken] = telephones.graph.taken
    assert taken.to == PHONE
    assert taken.request["template"]["name"] == "naikkelas_pesan"
    assert taken.request["template"]["language"] == {"code": "id"}
    assert taken.texts[0] == "Selamat datang di program Naik Kelas"
    assert "Siti Aminah" in taken.texts[1]
    assert "dikirim otomatis" not in taken.texts[1]  # the signature of the mail
    assert await telephones.message() == ("whatsapp", "sent", None)
    assert await telephones.attempts() == [("whatsapp", "accepted", None)]
    assert str(taken.reference) == str(await workshop.pool.fetchval("SELECT id FROM message_attempt"))
    assert mailbox.bodies == telephones.gateway.taken == []


async def test_an_owner_who_chose_sms_gets_one_short_text(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    await workshop.apply(story.owner(channel="sms", language="en"))
    await workshop.send()
    [taken] = telephones.gateway.taken
    assert (taken.to, taken.request["from"]) == (PHONE, "DKUMKMP")
    assert await telephones.message() == ("sms", "sent", None)


async def test_an_announcement_has_its_own_template_with_the_link_that_stops_it(
    workshop: Workshop, telephones: Telephones, story: Story, clock: Clock
) -> None:
    await workshop.apply(story.owner(channel="whatsapp"), story.owner(channel="sms"))
    await announce(workshop.pool)
    await finish(FanOut(workshop.pool, workshop.rules.routes, clock=clock))
    await workshop.send()
    [message] = [taken for taken in telephones.graph.taken if len(taken.texts) == 3]
    assert message.request["template"]["name"] == "naikkelas_pengumuman"
    assert "/unsubscribe/" in message.texts[2]
    assert any("/unsubscribe/" in taken.texts[0] for taken in telephones.gateway.taken)


WHATSAPP = [
    (Fault.SILENT, ("whatsapp", "unknown", "no_answer"), ("unknown", "no_answer"), 1),
    (Fault.CUT, ("whatsapp", "unknown", "connection_lost"), ("unknown", "connection_lost"), 1),
    (Fault.CUT_BEFORE, ("whatsapp", "unknown", "connection_lost"), ("unknown", "connection_lost"), 0),
    (Fault.BAD_GATEWAY, ("whatsapp", "unknown", "http_502"), ("unknown", "http_502"), 1),
    (Fault.LIMITED, ("whatsapp", "queued", "whatsapp_away"), ("refused", "whatsapp_130429"), 0),
    (Fault.LIMITED_BY_CODE, ("whatsapp", "queued", "whatsapp_away"), ("refused", "whatsapp_80007"), 0),
    (Fault.PAIR_LIMITED, ("whatsapp", "queued", "whatsapp_131056"), ("refused", "whatsapp_131056"), 0),
    (Fault.BROKEN, ("whatsapp", "queued", "whatsapp_131000"), ("refused", "whatsapp_131000"), 0),
    (Fault.UNAVAILABLE, ("whatsapp", "queued", "whatsapp_away"), ("refused", "whatsapp_http_503"), 0),
    (Fault.UNAUTHORISED, ("whatsapp", "queued", "whatsapp_away"), ("refused", "whatsapp_190"), 0),
]
SMS = [
    (Fault.SILENT, ("sms", "unknown", "no_answer"), ("unknown", "no_answer"), 1),
    (Fault.CUT, ("sms", "unknown", "connection_lost"), ("unknown", "connection_lost"), 1),
    (Fault.BAD_GATEWAY, ("sms", "unknown", "http_502"), ("unknown", "http_502"), 1),
    (Fault.LIMITED, ("sms", "queued", "sms_away"), ("refused", "sms_too_many_requests"), 0),
    (Fault.BROKEN, ("sms", "queued", "sms_internal"), ("refused", "sms_internal"), 0),
    (Fault.UNAVAILABLE, ("sms", "queued", "sms_away"), ("refused", "sms_http_503"), 0),
    (Fault.UNAUTHORISED, ("sms", "queued", "sms_away"), ("refused", "sms_unauthorised"), 0),
]


@pytest.mark.parametrize(("fault", "message", "attempt", "taken"), WHATSAPP + SMS)
async def test_each_answer_has_its_outcome_and_nothing_goes_twice(
    workshop: Workshop,
    telephones: Telephones,
    story: Story,
    clock: Clock,
    fault: Fault,
    message: tuple[str, str, str],
    attempt: tuple[str, str],
    taken: int,
) -> None:
    channel = message[0]
    provider = telephones.graph if channel == "whatsapp" else telephones.gateway
    provider.manner.faults.append(fault)
    await workshop.apply(story.owner(channel=channel))
    await workshop.send()
    assert await telephones.message() == message
    assert await telephones.attempts() == [(channel, *attempt)]
    clock.forward(hours=3)
    await workshop.send(workshop.sender(life="b"))
    if message[1] == "unknown":
        assert await telephones.message() == message
        assert (len(provider.taken), provider.asked) == (taken, 1)
    else:
        assert await telephones.message() == (channel, "sent", None)
        assert await telephones.attempts() == [(channel, *attempt), (channel, "accepted", None)]
        assert (len(provider.taken), provider.asked) == (1, 2)


async def test_what_was_taken_without_an_answer_is_told_by_its_receipts(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    telephones.graph.manner.faults.append(Fault.SILENT)
    telephones.graph.manner.tells = ("sent", "delivered")
    await workshop.apply(story.owner(channel="whatsapp"))
    await workshop.send()

    async def delivered() -> bool:
        return await telephones.message() == ("whatsapp", "delivered", None)

    await until(delivered)
    assert await telephones.attempts() == [("whatsapp", "delivered", None)]
    assert len(telephones.graph.taken) == 1


async def test_retry_after_counts_for_all_senders(
    workshop: Workshop, telephones: Telephones, story: Story, clock: Clock
) -> None:
    telephones.graph.manner.faults.append(Fault.LIMITED)
    telephones.graph.manner.retry_after = 600
    await workshop.apply(*(story.owner(channel="whatsapp") for _ in range(5)))
    await workshop.send()
    await workshop.apply(story.owner(channel="whatsapp"))
    clock.forward(seconds=599)
    await asyncio.gather(*(workshop.send(workshop.sender(number=number)) for number in range(1, 4)))
    assert telephones.graph.asked == 1
    clock.forward(seconds=61)
    await asyncio.gather(*(workshop.send(workshop.sender(number=number)) for number in range(4, 7)))
    assert len(telephones.graph.taken) == 6
    assert {state for _, state, _ in await workshop.states()} == {"sent"}


async def test_each_channel_has_its_own_rate(
    workshop: Workshop, telephones: Telephones, story: Story, clock: Clock
) -> None:
    rates = {"email": Rate(60_000), "whatsapp": Rate(60), "sms": Rate(6)}
    workshop.rules = replace(workshop.rules, rates=rates)
    for channel in ("whatsapp", "sms"):
        await workshop.apply(*(story.owner(channel=channel) for _ in range(30)))
    await asyncio.gather(*(workshop.send(workshop.sender(number=number)) for number in range(3)))
    assert (len(telephones.graph.taken), len(telephones.gateway.taken)) == (10, 1)


async def test_a_provider_that_is_not_there_costs_no_try(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    away = WhatsAppAccount("http://127.0.0.1:1/v23.0", "1", "x", "t", "t", 1.0)
    workshop.further["whatsapp"] = lambda: WhatsAppChannel(away)
    workshop.further["sms"] = lambda: SmsChannel(SmsGateway("http://127.0.0.1:1/messages", "x", "DKUMKMP", 1.0))
    await workshop.apply(story.owner(channel="whatsapp"), story.owner(channel="sms"))
    sender = workshop.sender()
    await workshop.send(sender)
    rows = {row["channel"]: (row["state"], row["reason"], row["attempts"]) for row in await workshop.messages()}
    assert rows == {"whatsapp": ("queued", "whatsapp_away", 0), "sms": ("queued", "sms_away", 0)}
    assert {"whatsapp", "sms"} <= set(sender.problems)


async def test_a_wrong_number_of_ours_holds_the_channel_and_fails_no_message(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox
) -> None:
    wrong = WhatsAppAccount(telephones.graph.base_url, "10000", ACCOUNT.token, "naikkelas_pesan", "x", 1.0)
    workshop.further["whatsapp"] = lambda: WhatsAppChannel(wrong)
    await workshop.apply(*(story.owner(channel="whatsapp") for _ in range(3)))
    sender = workshop.sender()
    await workshop.send(sender)
    assert sender.problems == {"whatsapp": "whatsapp_100"}
    assert {state for _, state, _ in await workshop.states()} == {"queued"}
    assert (telephones.graph.asked, telephones.gateway.asked, mailbox.bodies) == (1, 0, [])


async def test_a_channel_that_refuses_for_good_is_followed_by_the_next_and_each_try_is_kept(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox
) -> None:
    telephones.graph.manner.faults.append(Fault.REFUSED)
    telephones.gateway.manner.faults.append(Fault.REFUSED)
    await workshop.apply(story.owner(channel="whatsapp"))
    await workshop.send()
    assert await telephones.message() == ("email", "sent", None)
    assert await telephones.attempts() == [
        ("whatsapp", "refused", "whatsapp_131026"),
        ("sms", "refused", "sms_invalid_number"),
        ("email", "accepted", None),
    ]
    steps = await workshop.pool.fetch("SELECT state, reason FROM message_step ORDER BY id")
    assert [tuple(step) for step in steps] == [
        ("queued", "fallback_to_sms_whatsapp_131026"),
        ("queued", "fallback_to_email_sms_invalid_number"),
        ("sent", None),
    ]
    assert len(mailbox.bodies) == 1


async def test_after_the_last_channel_a_message_has_failed(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox
) -> None:
    telephones.graph.manner.faults.append(Fault.REFUSED)
    telephones.gateway.manner.faults.append(Fault.REFUSED)
    mailbox.mood = Mood.NO_SUCH_USER
    await workshop.apply(story.owner(channel="whatsapp"))
    await workshop.send()
    assert await telephones.message() == ("email", "failed", "smtp_550_5.1.1")
    mailbox.mood = Mood.ACCEPT
    [row] = await workshop.messages()
    async with workshop.pool.acquire() as connection, connection.transaction():
        await resend_message(connection, ResendMessage(row["id"], "nomor diperbaiki", "budi"))
    await workshop.pool.execute("UPDATE message SET next_attempt_at = $1", workshop.rules.clock())
    await workshop.send()
    assert await telephones.message() == ("whatsapp", "sent", None)  # counted from the first channel


async def test_without_an_order_nothing_stands_in(workshop: Workshop, telephones: Telephones, story: Story) -> None:
    workshop.rules = replace(workshop.rules, fallback=())
    telephones.graph.manner.faults.append(Fault.REFUSED)
    await workshop.apply(story.owner(channel="whatsapp"))
    await workshop.send()
    assert await telephones.message() == ("whatsapp", "failed", "whatsapp_131026")


async def test_an_owner_without_a_number_is_told_by_the_next_channel(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox
) -> None:
    landline = ("+62542123456",)
    await workshop.apply(story.owner(channel="whatsapp", phones=landline))
    await workshop.send()
    assert await telephones.message() == ("email", "sent", None)
    assert await telephones.attempts() == [("email", "accepted", None)]
    await workshop.apply(story.owner(channel="sms", phones=(), email=None))
    await workshop.send()
    assert ("owner_registered", "suppressed", "no_address") in await workshop.states()


async def test_who_chooses_another_channel_meanwhile_is_told_by_that(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    owner = story.owner(channel="whatsapp")
    telephones.graph.manner.faults.append(Fault.BROKEN)
    await workshop.apply(owner)
    await workshop.send()
    await workshop.apply(story.consent(owner.fact.aggregate_id, given=True, channel="sms"))
    workshop.rules.clock.forward(hours=3)  # type: ignore[union-attr]
    await workshop.send()
    assert await telephones.message() == ("sms", "sent", None)
    assert len(telephones.graph.taken) == 0


async def test_no_number_and_nothing_that_holds_one_is_stored_or_logged(
    workshop: Workshop, telephones: Telephones, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    telephones.graph.manner.tells = ("sent", "delivered")
    telephones.graph.manner.twice = True
    await workshop.apply(story.owner(channel="whatsapp"), story.owner(channel="sms"))
    await workshop.send()

    async def delivered() -> bool:
        return sorted(state for _, state, _ in await workshop.states()) == ["delivered", "sent"]

    await until(delivered)
    printed = capsys.readouterr()
    kept = await dump(workshop.pool) + printed.out + printed.err
    digits = PHONE.removeprefix("+")
    inside = telephones.graph.taken[0].id
    assert "receipt_taken" in kept
    assert digits not in kept
    assert inside not in kept
    assert not any(b64encode(b"x" * shift + digits.encode())[4:-4].decode() in kept for shift in range(3))
    assert "Siti" not in kept


async def test_many_senders_hand_each_message_over_once(
    workshop: Workshop, telephones: Telephones, story: Story
) -> None:
    await workshop.apply(*(story.owner(channel="whatsapp", phones=(f"+62812000{n:05}",)) for n in range(120)))
    await asyncio.gather(*(workshop.send(workshop.sender(number=number)) for number in range(5)))
    assert sorted(taken.to for taken in telephones.graph.taken) == [f"+62812000{n:05}" for n in range(120)]
