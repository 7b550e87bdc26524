"""The sealed parts of events opened at the moment of use, for those agreements that grant something of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from services.partners.commands import Terms
from services.partners.domain.showing import wants_personal
from services.partners.store import events as store
from services.partners.store.events import Kept, OwnerState
from shared.contracts.fact import PersonalFields
from shared.contracts.partnership import LegalBasis
from shared.database import Pool
from shared.keys import KeyClient
from shared.sealing import UnreadableError, open_sealed, owner_of

PURPOSE = "perjanjian instansi"
"""What keys are asked for, as the registry notes it."""

log = structlog.get_logger(__name__)


def may_open(basis: LegalBasis, owner: OwnerState | None) -> bool:
    """Tell whether an owner's personal fields may be opened.

    Not once they are erased, nor while their use is restricted, whatever the basis; and by consent only with it, as it is now.
    """
    if owner is not None and (owner.erased or owner.restricted):
        return False
    return basis is not LegalBasis.PERSETUJUAN or (owner is not None and owner.sharing)


async def open_parts(
    pool: Pool, keys: KeyClient, terms: Terms, kept: Sequence[Kept]
) -> tuple[dict[int, PersonalFields], tuple[int, ...]]:
    """Return the opened parts by position, and the positions whose part is granted but may not or cannot be opened.

    Raises ``KeysAwayError``: then nothing is given, because a page without names could not be told from an erasure.
    """
    sealed: dict[int, tuple[str, type[PersonalFields], UUID]] = {}
    for item in kept:
        fact: Any = item.event.fact
        if fact.PERSONAL is not None and wants_personal(item.event.meta.type, terms):
            sealed[item.position] = (fact.personal, fact.PERSONAL, owner_of(fact.personal))
    if not sealed:
        return {}, ()
    owners = await store.load_owners(pool, {owner_id for _, _, owner_id in sealed.values()})
    basis = terms.legal_basis
    allowed = {owner_id for _, _, owner_id in sealed.values() if may_open(basis, owners.get(owner_id))}
    answers = await keys.fetch(allowed)
    opened: dict[int, PersonalFields] = {}
    for position, (text, model, owner_id) in sealed.items():
        key = answers.get(owner_id)
        if isinstance(key, bytes) and (part := _opened(key, text, model, position)) is not None:
            opened[position] = part
    return opened, tuple(position for position in sealed if position not in opened)


def _opened(key: bytes, text: str, model: type[PersonalFields], position: int) -> PersonalFields | None:
    try:
        return open_sealed(key, text, model)
    except UnreadableError as error:
        log.warning("sealed_part_unreadable", position=position, reason=str(error))
        return None
