"""Commands on agreements, and reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.partners.commands import (
    DraftAgreement,
    EndAgreement,
    RedraftAgreement,
    ResumeAgreement,
    SignAgreement,
    SuspendAgreement,
)
from services.partners.domain import agreements as rules
from services.partners.domain.models import Agreement, Changed, Text
from services.partners.domain.refusals import AgencyBoundError
from services.partners.handlers import SOURCE, Saved
from services.partners.store import agreements as store
from shared.contracts.partnership import AgreementState
from shared.database import Connection, Pool
from shared.outbox import Cause, Change, append
from shared.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class Shown:
    """An agreement with all its texts."""

    agreement: Agreement
    texts: list[Text]


async def draft(connection: Connection, command: DraftAgreement, cause: Cause) -> Saved:
    """Write the first text of an agreement. Raises ``AgencyBoundError`` and as the rule does."""
    change = rules.draft(command, cause.now)
    bound = await store.hold_agency(connection, command.agency)
    if bound is not None:
        raise AgencyBoundError(command.agency, bound)
    text = store.new_text(change.after, command.terms, cause.actor, cause.now)
    return await _save(connection, change, cause, text, new=True)


async def redraft(connection: Connection, command: RedraftAgreement, cause: Cause) -> Saved:
    """Put another text up for signatures."""
    agreement = await _lock(connection, command.agreement_id)
    change = rules.redraft(agreement, command.expected_version, command.terms, cause.now)
    return await _save(connection, change, cause, store.new_text(change.after, command.terms, cause.actor, cause.now))


async def sign(connection: Connection, command: SignAgreement, cause: Cause) -> Saved:
    """Sign the text that waits, as the actor."""
    agreement = await _lock(connection, command.agreement_id)
    change = rules.sign(agreement, command.expected_version, cause.actor, cause.now)
    signature = store.new_signature(agreement.id, agreement.latest, cause.actor, cause.now)
    return await _save(connection, change, cause, signature)


async def suspend(connection: Connection, command: SuspendAgreement, cause: Cause) -> Saved:
    """Stop everything until it is resumed."""
    return await _do(
        connection,
        command.agreement_id,
        cause,
        lambda agreement: rules.suspend(agreement, command.expected_version, command.cause),
    )


async def resume(connection: Connection, command: ResumeAgreement, cause: Cause) -> Saved:
    """Go on after a suspension."""
    return await _do(
        connection,
        command.agreement_id,
        cause,
        lambda agreement: rules.resume(agreement, command.expected_version, cause.now),
    )


async def end(connection: Connection, command: EndAgreement, cause: Cause) -> Saved:
    """Stop everything for good."""
    return await _do(
        connection,
        command.agreement_id,
        cause,
        lambda agreement: rules.end(agreement, command.expected_version, command.cause),
    )


async def pass_time(connection: Connection, agreement_id: UUID, cause: Cause) -> AgreementState | None:
    """Do what time has brought to an agreement; return its new state, ``None`` if nothing was due (any more)."""
    change = rules.pass_time(await _lock(connection, agreement_id), cause.now)
    if not change.facts:
        return None
    await _save(connection, change, cause)
    return change.after.state


async def list_agreements(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Agreement]:
    """Return agreements after an id, of one agency or of all."""
    return await store.list_agreements(pool, after, agency, limit)


async def show_agreement(pool: Pool, agreement_id: UUID) -> Shown:
    """Return an agreement with all its texts, else ``NotFoundError``."""
    found = await store.find_agreement(pool, agreement_id)
    if found is None:
        raise NotFoundError("Perjanjian", agreement_id)
    return Shown(found, await store.load_texts(pool, agreement_id))


async def _do(connection: Connection, agreement_id: UUID, cause: Cause, rule: Callable[[Agreement], Changed]) -> Saved:
    return await _save(connection, rule(await _lock(connection, agreement_id)), cause)


async def _lock(connection: Connection, agreement_id: UUID) -> Agreement:
    found = await store.lock_agreement(connection, agreement_id)
    if found is None:
        raise NotFoundError("Perjanjian", agreement_id)
    return found


async def _save(connection: Connection, change: Changed, cause: Cause, *further: Change, new: bool = False) -> Saved:
    after = change.after
    first = after.version - len(change.facts) + 1
    facts = list(enumerate(change.facts, first))
    await append(connection, SOURCE, facts, cause, store.saved_agreement(after, new=new), *further)
    return Saved(after.id, after.version)
