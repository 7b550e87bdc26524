"""Messages on their way: claimed, handed over, settled, recovered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from services.notifications.domain.messages import Claimed, Decision, Priority, Recipient, State, sources_of
from services.notifications.domain.notices import RecipientKind
from services.notifications.domain.receipts import AttemptState, below
from services.notifications.domain.timing import Rate
from services.notifications.store.facts import QUERIES
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Ended:
    """What a sender knows of an attempt when it has ended."""

    attempt_id: UUID
    state: AttemptState
    reason: str | None = None
    provider_key: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a claimed message. ``reason`` is a code, never a value."""

    state: State
    reason: str | None = None
    next_attempt_at: datetime | None = None
    language: str | None = None
    channel: str | None = None
    uncounted: bool = False
    """The try is given back: the other side was not asked."""
    failed_channel: str | None = None
    """The channel that failed for good; ``channel`` is the one that stands in for it."""
    keeps_reason: bool = False
    """Receipts may still send it by another channel, which then needs the sealed reason."""
    ended: Ended | None = None
    """The attempt of this try, if it came to one."""


async def find_owners(connection: Connection, limit: int) -> None:
    """Write the owner into messages that waited for a business which is known now."""
    await connection.execute(QUERIES.find_owners, limit)


async def find_completable(connection: Connection, limit: int) -> list[tuple[UUID, str, Recipient]]:
    """Lock and return messages, each with its template, that waited for an owner who is known now."""
    rows = await connection.fetch(QUERIES.find_completable, limit)
    return [
        (row["id"], row["template"], Recipient(**{k: v for k, v in row.items() if k not in ("id", "template")}))
        for row in rows
    ]


async def complete_waiting(connection: Connection, decided: Sequence[tuple[UUID, Decision]], now: datetime) -> None:
    """Write what was decided of messages that waited."""
    rows = [(k, d.state.value, d.reason, d.language, d.channel) for k, d in decided]
    await connection.execute(QUERIES.complete_waiting, *zip(*rows, strict=True), now)


async def take_tokens(connection: Connection, channel: str, rate: Rate, now: datetime) -> float:
    """Lock the channel's bucket until the transaction ends and return the tokens in it."""
    await connection.execute(QUERIES.open_bucket, channel, rate.burst, now)
    row = await connection.fetchrow(QUERIES.lock_bucket, channel)
    return rate.refilled(row["tokens"], now - row["refilled_at"])


async def save_tokens(connection: Connection, channel: str, tokens: float, now: datetime) -> None:
    """Write what is left in the bucket."""
    await connection.execute(QUERIES.save_bucket, channel, tokens, now)


async def claim_due(
    connection: Connection,
    channel: str,
    now: datetime,
    quiet: bool,
    sender: str,
    lease: timedelta,
    limit: int,
    priority: Priority,
) -> list[Claimed]:
    """Take up to ``limit`` due messages in hand. In quiet hours only those to officers."""
    rows = await connection.fetch(QUERIES.claim_due, channel, now, quiet, sender, now + lease, limit, priority)
    return [claimed_of(row) for row in rows]


def claimed_of(row: asyncpg.Record) -> Claimed:
    """Return a message as a sender sees it."""
    owner_id = row["owner_id"]
    return Claimed(
        id=row["id"],
        event_id=row["event_id"],
        template=row["template"],
        recipient_kind=RecipientKind.OFFICER if owner_id is None else RecipientKind.OWNER,
        recipient_id=row["officer_sub"] if owner_id is None else str(owner_id),
        business_id=row["business_id"],
        channel=row["channel"],
        params=orjson.loads(row["params"]),
        sealed_reason=row["sealed_reason"],
        attempt=row["attempts"],
        occurred_at=row["occurred_at"],
        failed_channels=tuple(row["failed_channels"]),
        traceparent=row["traceparent"],
    )


async def read_clock(source: Pool | Connection) -> datetime:
    """Return the database's time: due times, leases and rates are kept by one clock, whoever looks at them."""
    now: datetime = await source.fetchval(QUERIES.read_clock)
    return now


async def load_officers(connection: Connection, subs: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Return address and language of those officers that are in the address book."""
    rows = await connection.fetch(QUERIES.load_officers, list(subs))
    return {row["sub"]: (row["address"], row["language"]) for row in rows}


async def hand_over(
    pool: Pool, message_id: UUID, sender: str, now: datetime, lease: timedelta, attempt_id: UUID
) -> bool:
    """Note that the body goes out now, as an attempt. ``False``: the message is no longer this sender's, do not send it."""
    return bool(await pool.fetchval(QUERIES.hand_over, message_id, sender, now, now + lease, attempt_id))


async def settle(source: Pool | Connection, message_id: UUID, sender: str, outcome: Outcome, now: datetime) -> bool:
    """Write what became of a message and of its attempt.

    ``False``: the message is no longer this sender's, only the attempt was written.
    """
    done = await source.fetchval(
        QUERIES.settle,
        message_id,
        sender,
        outcome.state.value,
        outcome.reason,
        outcome.next_attempt_at,
        outcome.language,
        outcome.channel,
        now,
        int(outcome.uncounted),
        sources_of(outcome.state),
        outcome.failed_channel,
        outcome.keeps_reason,
        *_ending(outcome.ended),
    )
    return bool(done)


def _ending(ended: Ended | None) -> tuple[UUID | None, str | None, str | None, str | None, list[str]]:
    if ended is None:
        return (None, None, None, None, [])
    return (ended.attempt_id, ended.state.value, ended.reason, ended.provider_key, below(ended.state))


async def close_channel(pool: Pool, channel: str, until: datetime) -> None:
    """Let no sender take messages of a channel in hand before ``until``: its provider asked for that."""
    await pool.execute(QUERIES.close_bucket, channel, until)


async def recover(pool: Pool, now: datetime, instance: str, life: str) -> dict[str, int]:
    """Take messages from senders that are gone and return how many are queued again, and how many unknown."""
    rows = await pool.fetch(QUERIES.recover, now, instance, life)
    return {row["state"]: row["messages"] for row in rows}


async def leave_channels(pool: Pool, not_run: Sequence[str], channel: str, now: datetime, actor: str) -> int:
    """Let messages to owners leave channels that are not run for ``channel``, which is, and return how many did."""
    done: str = await pool.execute(QUERIES.leave_channels, list(not_run), channel, now, actor)
    return int(done.rsplit(" ", 1)[-1])


async def lock_state(connection: Connection, message_id: UUID) -> State | None:
    """Lock a message and return how it stands; ``None`` if there is none."""
    found = await connection.fetchval(QUERIES.lock_message, message_id)
    return None if found is None else State(found)


async def requeue(connection: Connection, message_id: UUID, now: datetime, reason: str, actor: str) -> None:
    """Queue a message again at an operator's word; the reason goes into its steps."""
    await connection.execute(QUERIES.requeue, message_id, now, reason, actor)
