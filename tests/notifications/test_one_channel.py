"""One channel at a time, on real servers: whatever they do, an owner has one message once; and a channel that is not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby, pairwise
from random import Random
from typing import Any

import httpx2
import pytest

from ops.providers.faults import Fault
from ops.providers.provider import Provider
from services.notifications.api.page_words import REASONS
from services.notifications.commands import Topic
from services.notifications.domain.routes import Routes
from services.notifications.handlers.announcing import count_audience
from services.notifications.handlers.fanning import FanOut
from services.notifications.reference import load_kelurahan
from shared.auth import Role
from tests.notifications.city import EMAIL, EVERYONE, announce, finish, ids, owners, rows_of
from tests.notifications.mailbox import Mailbox
from tests.notifications.serving import Token
from tests.notifications.story import Story
from tests.notifications.telephones import ORDER, Telephones
from tests.notifications.waiting import until
from tests.notifications.workshop import Clock, Workshop

OWNERS = 45
FAULTS = (
    Fault.CUT,
    Fault.CUT_BEFORE,
    Fault.LIMITED,
    Fault.PAIR_LIMITED,
    Fault.BROKEN,
    Fault.BAD_GATEWAY,
    Fault.REFUSED,
)
FOR_GOOD = frozenset({"failed", "refused"})
"""States of an attempt after which another channel may be asked: the provider said that the owner does not have it."""
Row = Any


def misbehave(provider: Provider, dice: Random, numbers: Sequence[str]) -> None:
    """Let a provider meet two messages in five with a fault, reach only some numbers, and tell as it likes."""
    manner = provider.manner
    manner.faults.extend(dice.choice((None, None, None, *dice.sample(FAULTS, 2))) for _ in range(OWNERS))
    manner.unreachable = set(dice.sample(numbers, OWNERS // 3))
    manner.tells = tuple(dice.sample(("sent", "delivered"), 2))
    manner.twice, manner.early, manner.repeats_reference = (dice.random() < 0.5 for _ in range(3))
    manner.retry_after = 0


async def settle(telephones: Telephones, clock: Clock) -> None:
    """Let senders work, each later than the one before, until every message has ended."""
    pool, lives = telephones.workshop.pool, iter(range(1_000))

    async def ended() -> bool:
        life = next(lives)
        clock.now = await pool.fetchval("SELECT clock_timestamp()") + timedelta(hours=3 * life)
        await telephones.workshop.send(telephones.workshop.sender(life=f"l{life}"))
        open_ones = "state IN ('queued', 'sending') OR (state = 'sent' AND channel <> 'email')"
        return not await pool.fetchval(f"SELECT count(*) FROM message WHERE {open_ones}")

    await until(ended, 60)


@pytest.mark.parametrize("seed", range(3))
async def test_another_channel_is_asked_only_when_the_last_one_failed_for_good(
    workshop: Workshop, telephones: Telephones, story: Story, mailbox: Mailbox, clock: Clock, seed: int
) -> None:
    dice = Random(seed)
    numbers = [f"+628120000{n:04}" for n in range(OWNERS)]
    for provider in (telephones.graph, telephones.gateway):
        misbehave(provider, dice, numbers)
    await workshop.apply(
        *(
            story.owner(channel=dice.choice(ORDER), phones=(number,), email=f"p{n}@umkm.example")
            for n, number in enumerate(numbers)
        )
    )
    await settle(telephones, clock)
    rows = await workshop.pool.fetch(
        "SELECT message_id, channel, state FROM message_attempt ORDER BY message_id, handed_over_at, id"
    )
    moved = 0
    for _, found in groupby(rows, lambda row: row["message_id"]):
        attempts = list(found)
        channels = [channel for channel, _ in groupby(row["channel"] for row in attempts)]
        assert len(set(channels)) == len(channels)  # none is asked again after another
        for before, after in pairwise(attempts):
            moved += before["channel"] != after["channel"]
            assert before["state"] in FOR_GOOD, [tuple(row) for row in attempts]
    assert moved  # else this proves nothing; which of a provider's faults meets whom is decided by who asks first
    assert {row["state"] for row in rows} >= {"unknown", "refused", "failed", "delivered"}
    reached = owners_reached(telephones, mailbox)
    assert set(reached.values()) == {1}, reached
    assert len(reached) >= OWNERS // 2


def owners_reached(telephones: Telephones, mailbox: Mailbox) -> Counter[int]:
    """Return by owner how often they have the message, by what the providers themselves know."""
    reached = Counter(int(to.split("@")[0][1:]) for to, _ in mailbox.accepted)
    for provider in (telephones.graph, telephones.gateway):
        reached.update(int(taken.to[-4:]) for taken in provider.taken if provider.manner.reaches(taken.to))
    return reached


async def test_who_chose_a_channel_that_is_not_run_is_shown_to_an_operator_with_the_reason(
    workshop: Workshop, story: Story, mailbox: Mailbox, api: httpx2.AsyncClient, token: Token
) -> None:
    await workshop.apply(story.owner(channel="whatsapp"))
    await workshop.send()
    assert await workshop.states() == [("owner_registered", "suppressed", "channel_unavailable")]
    assert mailbox.bodies == []
    headers = token(Role.OPERATOR)
    answer = await api.get("/messages", params={"state": "suppressed"}, headers=headers)
    assert [item["reason"] for item in answer.json()["items"]] == ["channel_unavailable"]
    page = await api.get("/operator/", params={"keadaan": "suppressed"}, headers=headers)
    assert REASONS["channel_unavailable"] in page.text


@pytest.mark.parametrize(("order", "email"), [(ORDER, "u@umkm.example"), (ORDER, None), (("email", "whatsapp"), None)])
async def test_who_chose_a_channel_that_is_not_run_is_told_by_its_stand_in_at_once(
    workshop: Workshop, story: Story, mailbox: Mailbox, order: tuple[str, ...], email: str | None
) -> None:
    """Here e-mail is all that is run, and the owner chose WhatsApp. Without an address, or with no channel after theirs: nobody."""
    workshop.change_channels(dict(workshop.rules.rates), fallback=order)
    await workshop.apply(story.owner(channel="whatsapp", email=email))
    [queued] = await workshop.messages()
    stands_in = order == ORDER
    assert (queued["channel"], queued["state"]) == (("email", "queued") if stands_in else ("whatsapp", "suppressed"))
    await workshop.send()
    [row] = await workshop.messages()
    ends = ("sent", None) if email else ("suppressed", "no_address" if stands_in else "channel_unavailable")
    assert (row["state"], row["reason"]) == ends
    assert [address for address, _ in mailbox.accepted] == ([email] if email else [])


@pytest.mark.parametrize(
    ("chosen", "ends"),
    [
        ("whatsapp", ("email", "suppressed", "channel_unavailable")),  # the chosen one is not run any more
        ("sms", ("email", "sent", None)),  # it had failed; its stand-in is not run any more, the next one is
    ],
)
async def test_what_waits_for_a_channel_that_is_not_run_any_more_does_not_wait_for_ever(
    workshop: Workshop, story: Story, mailbox: Mailbox, chosen: str, ends: tuple[str, str, str | None]
) -> None:
    """A deployment drops WhatsApp while a message waits for it: decided anew, and never silently left."""
    rates = workshop.rules.rates
    await workshop.apply(story.owner(channel=chosen), routes=Routes(frozenset(ORDER)))
    await workshop.pool.execute("UPDATE message SET channel = 'whatsapp'")
    if chosen == "sms":
        workshop.change_channels({"sms": rates["email"], **rates}, fallback=("sms", "whatsapp", "email"))
        await workshop.pool.execute("UPDATE message SET failed_channels = '{sms}'")
    await workshop.send()
    [row] = await workshop.messages()
    assert (row["channel"], row["state"], row["reason"]) == ends
    assert len(mailbox.bodies) == (ends[1] == "sent")
    steps = await workshop.pool.fetch("SELECT reason FROM message_step ORDER BY id")
    assert "channel_unavailable" in {step["reason"] for step in steps}


async def test_an_announcement_goes_by_the_stand_in_of_a_channel_that_is_not_run(
    workshop: Workshop, story: Story, clock: Clock, mailbox: Mailbox
) -> None:
    chose_mail, chose_whatsapp, chose_none = (
        owners(story, 2),
        owners(story, 3, channel="whatsapp"),
        owners(story, 1, channel=None),
    )
    routes = Routes(EMAIL.available, ("whatsapp", "sms", "email"))
    workshop.change_channels(dict(workshop.rules.rates), fallback=routes.order)
    await workshop.apply(*chose_mail, *chose_whatsapp, *chose_none)
    made = await announce(workshop.pool, routes=routes)
    count = await count_audience(workshop.pool, EVERYONE, Topic.PELATIHAN, load_kelurahan(), routes)
    assert (count.told, count.suppressed) == ({"email": 5}, {"no_channel": 1})
    await finish(FanOut(workshop.pool, routes, clock=clock))
    assert {(row["channel"], row["state"]) for row in await rows_of(workshop.pool, made)} == {
        ("email", "queued"),
        (None, "suppressed"),
    }
    await workshop.send()
    told = {row["owner_id"] for row in await rows_of(workshop.pool, made) if row["state"] == "sent"}
    assert told == set(ids([*chose_mail, *chose_whatsapp]))
    assert len(mailbox.bodies) == 5
