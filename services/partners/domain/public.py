"""What every agency may see without an agreement: the form of it is that of a text which grants all that is public (docs/decisions/0044)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from services.partners.commands import Terms
from services.partners.domain.labels import stream_of
from services.partners.domain.models import Label
from services.partners.domain.showing import show
from shared.contracts.fact import Fact
from shared.contracts.partnership import DeliveryWay, Grant, LegalBasis
from shared.contracts.public import PUBLIC_FACTS, public_fields
from shared.envelope import Event
from shared.masking import mask_text
from shared.topology import public_topic

PUBLIC_TERMS = Terms(
    title="umum",
    legal_basis=LegalBasis.TANPA_DATA_PRIBADI,
    legal_reference="",
    purpose="",
    contact="",
    grants=tuple(Grant(type=fact.type_name(), fields=public_fields(fact)) for fact in PUBLIC_FACTS),
    ways=(DeliveryWay.KAFKA,),
    starts_at=datetime.min.replace(tzinfo=UTC),
    expires_at=datetime.max.replace(tzinfo=UTC),
)
"""Nobody signs it: it is derived from the declaration and the privacy classes of the contracts."""
PUBLIC_STREAMS = {stream_of(fact.TOPIC): public_topic(fact.TOPIC).name for fact in PUBLIC_FACTS}
"""Stream → the topic with what is public of it."""


def public_form(event: Event) -> dict[str, Any] | None:
    """Return the event as everybody may see it, a structured CloudEvent; ``None`` if it is not public.

    Whoever typed a telephone number, an e-mail address or a NIK into a title or a place did not ask the one whose it is: there stands
    ``[telepon]``, ``[surel]`` or ``[nik]`` instead.
    """
    return show(Event(event.meta, _masked_fact(event.fact)), Label(), PUBLIC_TERMS)


def _masked_fact(fact: Fact) -> Fact:
    masked: Fact = _masked(fact)
    return masked


def _masked(value: Any) -> Any:
    """Return a value with its texts masked; ids, codes, times and amounts are no texts."""
    if type(value) is str:
        return mask_text(value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _masked(getattr(value, name)) for name in type(value).model_fields})
    if isinstance(value, tuple):
        return tuple(map(_masked, value))
    return value
