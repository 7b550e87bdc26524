"""Facts that ``services/partners`` publishes: under which agreement which agency may see what, from when to when.

An agency is an office, not a person: its code and title are public. Whom the office talks to there stays in the service.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.fact import Fact
from shared.contracts.privacy import AGENCY, PUBLIC

AGREEMENT_TOPIC = "umkm.agreement"


class AgreementState(StrEnum):
    """States of an agreement, as the office names them. An amendment is signed while the agreement it changes goes on."""

    DRAF = "draf"
    DITANDATANGANI = "ditandatangani"
    AKTIF = "aktif"
    DITANGGUHKAN = "ditangguhkan"
    KEDALUWARSA = "kedaluwarsa"
    BERAKHIR = "berakhir"


class LegalBasis(StrEnum):
    """Why personal data may be handed over (UU 27/2022 art. 20); ``tanpa_data_pribadi``: none is."""

    TANPA_DATA_PRIBADI = "tanpa_data_pribadi"
    PERSETUJUAN = "persetujuan"
    PERJANJIAN = "perjanjian"
    KEWAJIBAN_HUKUM = "kewajiban_hukum"
    KEPENTINGAN_VITAL = "kepentingan_vital"
    KEPENTINGAN_UMUM = "kepentingan_umum"
    KEPENTINGAN_SAH = "kepentingan_sah"


class DeliveryWay(StrEnum):
    """How an agency gets its events."""

    KAFKA = "kafka"
    WEBHOOK = "webhook"
    FEED = "feed"


class SuspensionCause(StrEnum):
    """Why an agreement was suspended, or ended before its time."""

    DUGAAN_PELANGGARAN = "dugaan_pelanggaran"
    PERMINTAAN_INSTANSI = "permintaan_instansi"
    PERUBAHAN_HUKUM = "perubahan_hukum"
    TUJUAN_SELESAI = "tujuan_selesai"
    LAINNYA = "lainnya"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Grant(_Part):
    """What an agency may see of events of one type."""

    type: Annotated[str, PUBLIC]
    """The CloudEvents type."""
    fields: Annotated[tuple[str, ...], PUBLIC]
    """Names of the fact's fields; of its sealed part ``personal.<field>``."""


class _AgreementFact(Fact):
    TOPIC: ClassVar[str] = AGREEMENT_TOPIC
    AGGREGATE: ClassVar[str] = "agreement_id"
    agreement_id: Annotated[UUID, PUBLIC]
    agency: Annotated[str, PUBLIC]
    """The agency's code."""
    revision: Annotated[int, PUBLIC]
    """Which text of the agreement, from 1."""


class AgreementDrafted(_AgreementFact):
    """A text was written: the first one, another draft of it, or an amendment. It grants nothing until two have signed it."""

    NAME: ClassVar[str] = "agreement.drafted"
    title: Annotated[str, PUBLIC]
    """What the agency is called."""
    legal_basis: Annotated[LegalBasis, PUBLIC]
    legal_reference: Annotated[str, PUBLIC]
    purpose: Annotated[str, PUBLIC]
    grants: Annotated[tuple[Grant, ...], PUBLIC]
    kelurahan: Annotated[tuple[str, ...], PUBLIC] = ()
    """Only events of these places; none: of all."""
    sectors: Annotated[tuple[str, ...], PUBLIC] = ()
    classes: Annotated[tuple[str, ...], PUBLIC] = ()
    ways: Annotated[tuple[DeliveryWay, ...], PUBLIC]
    starts_at: Annotated[datetime, PUBLIC]
    expires_at: Annotated[datetime, PUBLIC]
    """From this instant on it grants nothing."""


class AgreementSigned(_AgreementFact):
    """Somebody signed a text; with the second signature, by another person, it is the agreement."""

    NAME: ClassVar[str] = "agreement.signed"
    signer: Annotated[str, AGENCY]
    """The ``sub`` of who signed."""
    complete: Annotated[bool, PUBLIC]


class AgreementActivated(_AgreementFact):
    """The agreement grants from now on."""

    NAME: ClassVar[str] = "agreement.activated"


class AgreementSuspended(_AgreementFact):
    """The agreement grants nothing until it is resumed."""

    NAME: ClassVar[str] = "agreement.suspended"
    cause: Annotated[SuspensionCause, AGENCY]


class AgreementResumed(_AgreementFact):
    """The agreement grants again."""

    NAME: ClassVar[str] = "agreement.resumed"


class AgreementExpired(_AgreementFact):
    """The time of the agreement is over."""

    NAME: ClassVar[str] = "agreement.expired"


class AgreementEnded(_AgreementFact):
    """The agreement was ended; it grants nothing any more."""

    NAME: ClassVar[str] = "agreement.ended"
    cause: Annotated[SuspensionCause, AGENCY]
