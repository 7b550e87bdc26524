"""Writing a batch of facts: a few statements whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import orjson

from services.notifications.domain.folding import ContactChange, RecipientChange
from services.notifications.domain.messages import Decision, Recipient
from services.notifications.domain.notices import Draft, RecipientKind
from shared.contracts.registry import Consents
from shared.database import Connection, Migrations, kernel_migrations, load_queries, write_rows

SQL = Path(__file__).parent.parent / "sql"
QUERIES = load_queries(SQL / "queries.sql")

_NOTHING_SAID = (Consents(), "id", None)


def migrations() -> list[Migrations]:
    """Return what this service's database is made of."""
    return [*kernel_migrations("consumer", "idempotency", "trail"), Migrations("notifications", SQL / "migrations")]


async def save_recipients(connection: Connection, changes: Mapping[UUID, RecipientChange]) -> None:
    """Write what a batch says of owners."""
    whole, parts = [], []
    for owner_id, change in changes.items():
        consents, language, channel = change.preferences or _NOTHING_SAID
        personal = None if change.erased else change.personal
        row = (owner_id, personal, language, channel, consents.notifications, change.erased, change.version)
        if change.whole:
            whole.append(row)
        else:
            parts.append((*row, change.preferences is not None))
    await write_rows(connection, QUERIES.save_recipients, whole)
    await write_rows(connection, QUERIES.change_recipients, parts)


async def save_contacts(connection: Connection, changes: Mapping[UUID, ContactChange]) -> None:
    """Write what a batch says of businesses."""
    told, moved = [], []
    for key, c in changes.items():
        if c.owner_id is None:
            moved.append((key, c.version, c.kelas, c.status))
        else:
            told.append((key, c.owner_id, c.personal, c.version, c.kelurahan, c.sector, c.kelas, c.status))
    await write_rows(connection, QUERIES.save_contacts, told)
    await write_rows(connection, QUERIES.move_contacts, moved)


async def forget(connection: Connection, owner_ids: Sequence[UUID]) -> None:
    """Let go what is sealed under the keys of erased owners, and what was still to be sent to them."""
    if owner_ids:
        await connection.execute(QUERIES.forget_contacts, owner_ids)
        await connection.execute(QUERIES.forget_messages, owner_ids)
        await connection.execute(QUERIES.forget_opt_outs, owner_ids)
        await connection.execute(QUERIES.forget_digest_choices, owner_ids)


async def load_recipients(connection: Connection, owner_ids: Iterable[UUID]) -> dict[UUID, Recipient]:
    """Return those of these owners that are known."""
    rows = await connection.fetch(QUERIES.load_recipients, list(owner_ids))
    return {row["owner_id"]: Recipient(**row) for row in rows}


async def load_contacts(connection: Connection, business_ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, str | None]]:
    """Return owner and sealed personal part of these businesses."""
    rows = await connection.fetch(QUERIES.load_contacts, list(business_ids))
    return {row["business_id"]: (row["owner_id"], row["personal"]) for row in rows}


async def insert_messages(connection: Connection, drafts: Sequence[tuple[Draft, Decision]]) -> None:
    """Store messages; those that are there already stay as they are."""
    rows = [
        (
            draft.id,
            draft.event_id,
            draft.event_type,
            draft.occurred_at,
            draft.template,
            decision.language,
            decision.channel,
            UUID(draft.recipient_id) if draft.recipient_kind is RecipientKind.OWNER and draft.recipient_id else None,
            draft.recipient_id if draft.recipient_kind is RecipientKind.OFFICER else None,
            draft.business_id,
            orjson.dumps(draft.params).decode(),
            draft.sealed_reason,
            decision.state,
            decision.reason,
            draft.traceparent,
        )
        for draft, decision in drafts
    ]
    await write_rows(connection, QUERIES.insert_messages, rows)
