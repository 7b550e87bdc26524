"""What the partner service can be told to do. Ids, time and actor come in, nothing is looked up here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.partnership import DeliveryWay, Grant, LegalBasis, SuspensionCause


class Terms(BaseModel):
    """One text of an agreement. It is never changed: another text has another revision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    """What the agency is called."""
    legal_basis: LegalBasis
    legal_reference: str
    """The regulation or deed, as it is cited."""
    purpose: str
    contact: str
    """Whom the office writes to at the agency; never in a fact."""
    grants: tuple[Grant, ...]
    kelurahan: tuple[str, ...] = ()
    """Only events of these places; none: of all. The same for the next two."""
    sectors: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    ways: tuple[DeliveryWay, ...]
    starts_at: datetime
    expires_at: datetime
    """From this instant on it grants nothing."""


@dataclass(frozen=True, slots=True)
class DraftAgreement:
    """Write the first text of an agreement with an agency."""

    agreement_id: UUID
    agency: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class OnAgreement:
    """A deed on one agreement, in the version that its actor has seen."""

    agreement_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class RedraftAgreement(OnAgreement):
    """Write another text: instead of the draft, or as an amendment. Until two have signed it, the signed one counts."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class SignAgreement(OnAgreement):
    """Sign the text that waits."""


@dataclass(frozen=True, slots=True)
class SuspendAgreement(OnAgreement):
    """Stop everything until it is resumed."""

    cause: SuspensionCause


@dataclass(frozen=True, slots=True)
class ResumeAgreement(OnAgreement):
    """Go on after a suspension."""


@dataclass(frozen=True, slots=True)
class EndAgreement(OnAgreement):
    """Stop everything for good."""

    cause: SuspensionCause


@dataclass(frozen=True, slots=True)
class CreateWebhook:
    """Post an agency's events to an address: from the first that is kept, or from now on."""

    webhook_id: UUID
    agency: str
    url: str
    from_first: bool


@dataclass(frozen=True, slots=True)
class OnWebhook:
    """A deed on one endpoint, in the version that its actor has seen."""

    webhook_id: UUID
    expected_version: int
    agency: str | None
    """Whose endpoint it must be; ``None``: the operator may with all."""


@dataclass(frozen=True, slots=True)
class PauseWebhook(OnWebhook):
    """Post nothing until it is resumed."""


@dataclass(frozen=True, slots=True)
class ResumeWebhook(OnWebhook):
    """Go on where it stopped."""

    skip_lost: bool
    """Go on also where events that were not delivered are not kept any more."""


@dataclass(frozen=True, slots=True)
class RemoveWebhook(OnWebhook):
    """Post nothing for good."""


@dataclass(frozen=True, slots=True)
class RotateSecret(OnWebhook):
    """Sign with another secret too; the older ones end after the overlap."""

    overlap: timedelta


@dataclass(frozen=True, slots=True)
class ResumeLane:
    """Let a stream go on into an agency's topic, in the version that its actor has seen."""

    lane_id: UUID
    expected_version: int
    agency: str | None
    """Whose lane it must be; ``None``: the operator may with all."""
    actor: str
    skip_lost: bool
    """Go on without the events that are not kept any more."""


@dataclass(frozen=True, slots=True)
class RefillLane:
    """Write a stream anew into a topic that lost what it held, in the version that the operator has seen."""

    lane_id: UUID
    expected_version: int
    actor: str


@dataclass(frozen=True, slots=True)
class SendTest(OnWebhook):
    """Post a test event."""

    test_id: UUID


@dataclass(frozen=True, slots=True)
class StartReplay:
    """Post a range of what was delivered to an endpoint again."""

    replay_id: UUID
    webhook_id: UUID
    agency: str
    since: datetime | None
    after: str | None
    until: datetime | None
    streams: tuple[str, ...]
    rate: int | None


@dataclass(frozen=True, slots=True)
class CancelReplay:
    """Post nothing more of a replay, in the version that its actor has seen."""

    replay_id: UUID
    webhook_id: UUID
    expected_version: int
    agency: str | None
    """Whose endpoint it must be; ``None``: the operator may with all."""
