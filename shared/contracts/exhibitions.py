"""Facts that ``services/events`` publishes: exhibitions with their booths, applications with their sales, fixed outlets.

Not called after its service: ``events`` is what travels here. Businesses and owners are named by their ids alone, and why
something happened by a code: no fact here has anything to seal. What one business sold is for agencies with an agreement;
the public sees the total of an exhibition, which is published from five businesses up.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.fact import Fact
from shared.contracts.privacy import AGENCY, PUBLIC

EXHIBITION_TOPIC = "umkm.exhibition"
APPLICATION_TOPIC = "umkm.application"
OUTLET_TOPIC = "umkm.outlet"

LEAST_BUSINESSES = 5
"""A total that is published is of so many businesses, and differs from the one before by the reports of so many."""


class ApplicationState(StrEnum):
    """States of an application, as the office names them."""

    DIAJUKAN = "diajukan"
    KURASI = "kurasi"
    LOLOS = "lolos"
    CADANGAN = "cadangan"
    DITOLAK = "ditolak"
    DITEMPATKAN = "ditempatkan"
    DIKONFIRMASI = "dikonfirmasi"
    IKUT = "ikut"
    TIDAK_HADIR = "tidak_hadir"
    MENGUNDURKAN_DIRI = "mengundurkan_diri"


class BoothKind(StrEnum):
    """What is sold at a booth; an application asks for one kind."""

    KULINER = "kuliner"
    KRIYA = "kriya"
    FESYEN = "fesyen"
    JASA = "jasa"
    UMUM = "umum"


class CriterionKind(StrEnum):
    """Where a criterion's score comes from: curators, or what the platform knows of the business.

    A reader that is older than a kind parks the exhibition: publish a new one once its readers run.
    """

    JURI = "juri"
    TERVERIFIKASI = "terverifikasi"
    KELAS = "kelas"
    PELATIHAN = "pelatihan"
    JARANG_DIBANTU = "jarang_dibantu"
    LEGALITAS = "legalitas"


class ApplicationCause(StrEnum):
    """Why an application ended. Codes, because free text may name people."""

    PERMINTAAN_PESERTA = "permintaan_peserta"
    TIDAK_KONFIRMASI = "tidak_konfirmasi"
    TIDAK_MEMENUHI_SYARAT = "tidak_memenuhi_syarat"
    NILAI = "nilai"
    USAHA_TIDAK_AKTIF = "usaha_tidak_aktif"
    PAMERAN_DIBATALKAN = "pameran_dibatalkan"
    PEMILIK_DIHAPUS = "pemilik_dihapus"
    LAINNYA = "lainnya"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Criterion(_Part):
    """One criterion of a curation. Its score is 0 to 100; ``values`` are the classes of kind ``kelas``, the licences of ``legalitas``."""

    code: Annotated[str, PUBLIC]
    kind: Annotated[CriterionKind, PUBLIC]
    weight: Annotated[int, PUBLIC]
    values: Annotated[tuple[str, ...], PUBLIC] = ()


class Wave(_Part):
    """When one wave (*gelombang*) sells; instants with their zone."""

    number: Annotated[int, PUBLIC]
    starts_at: Annotated[datetime, PUBLIC]
    ends_at: Annotated[datetime, PUBLIC]


class ScoreGiven(_Part):
    """What a curator gave for one criterion, 0 to 100."""

    criterion: Annotated[str, AGENCY]
    score: Annotated[int, AGENCY]


class _ExhibitionFact(Fact):
    TOPIC: ClassVar[str] = EXHIBITION_TOPIC
    AGGREGATE: ClassVar[str] = "exhibition_id"
    exhibition_id: Annotated[UUID, PUBLIC]


class ExhibitionOpened(_ExhibitionFact):
    """An exhibition or bazaar takes applications, of the office or of another organiser."""

    NAME: ClassVar[str] = "exhibition.opened"
    title: Annotated[str, PUBLIC]
    held_by: Annotated[Literal["dinas", "mitra"], PUBLIC]
    partner: Annotated[str | None, PUBLIC] = None
    """The organiser; ``None`` for the office itself."""
    place: Annotated[str, PUBLIC]
    zone: Annotated[str, PUBLIC]
    """Its own time zone, by its IANA name, for example ``Asia/Jakarta``."""
    starts_on: Annotated[date, PUBLIC]
    ends_on: Annotated[date, PUBLIC]
    closes_at: Annotated[datetime, PUBLIC]
    """The last second in which one may apply."""
    waves: Annotated[tuple[Wave, ...], PUBLIC]
    criteria: Annotated[tuple[Criterion, ...], PUBLIC]
    pass_score: Annotated[int, PUBLIC]
    """The least total, 0 to 100, with which one is chosen or held in reserve."""
    partner_id: Annotated[UUID | None, PUBLIC] = None
    """The organisation that holds it, if the registry knows it; ``partner`` is then what it was called."""


class BoothOpened(_ExhibitionFact):
    """A booth (*stan*) of an exhibition; it has so many places in each wave."""

    NAME: ClassVar[str] = "booth.opened"
    booth_id: Annotated[UUID, PUBLIC]
    number: Annotated[int, PUBLIC]
    kind: Annotated[BoothKind, PUBLIC]
    capacity: Annotated[int, PUBLIC]


class BoothCapacityChanged(_ExhibitionFact):
    """A booth has more places in each wave, or fewer; never fewer than are given."""

    NAME: ClassVar[str] = "booth.capacity_changed"
    booth_id: Annotated[UUID, PUBLIC]
    previous: Annotated[int, PUBLIC]
    capacity: Annotated[int, PUBLIC]


class ExhibitionCurated(_ExhibitionFact):
    """The curation is made: so many were chosen, held in reserve and refused."""

    NAME: ClassVar[str] = "exhibition.curated"
    passed: Annotated[int, PUBLIC]
    reserved: Annotated[int, PUBLIC]
    rejected: Annotated[int, PUBLIC]


class ExhibitionCancelled(_ExhibitionFact):
    """It is not held; every application of it is closed by a fact of its own."""

    NAME: ClassVar[str] = "exhibition.cancelled"


class TurnoverPublished(_ExhibitionFact):
    """What all who reported sold together: of five businesses or more, and of none alone by comparing two totals."""

    NAME: ClassVar[str] = "exhibition.turnover_published"
    participants: Annotated[int, PUBLIC]
    reported: Annotated[int, PUBLIC]
    """Of so many of the participants; the others are *belum lapor*, which is not 0."""
    total: Annotated[int, PUBLIC]
    """Rupiah."""


class _ApplicationFact(Fact):
    TOPIC: ClassVar[str] = APPLICATION_TOPIC
    AGGREGATE: ClassVar[str] = "application_id"
    application_id: Annotated[UUID, AGENCY]
    exhibition_id: Annotated[UUID, PUBLIC]
    owner_id: Annotated[UUID, AGENCY]
    business_id: Annotated[UUID, AGENCY]


class ApplicationSubmitted(_ApplicationFact):
    """A business wants a place of a kind."""

    NAME: ClassVar[str] = "application.submitted"
    kind: Annotated[BoothKind, AGENCY]


class _ToldFact(_ApplicationFact):
    """What somebody is told of: it says for itself what for and where, so that nobody keeps a copy of the exhibitions."""

    title: Annotated[str, PUBLIC]
    place: Annotated[str, PUBLIC]
    zone: Annotated[str, PUBLIC]
    """The zone in which its times are written."""


class ApplicationScored(_ApplicationFact):
    """A curator gave scores; said again, they count instead of those before."""

    NAME: ClassVar[str] = "application.scored"
    scores: Annotated[tuple[ScoreGiven, ...], AGENCY]


class _RankedFact(_ToldFact):
    total: Annotated[int, AGENCY]
    """The weighted total in hundredths, 0 to 10,000."""
    rank: Annotated[int, AGENCY]
    """From 1, among the applications for the same kind of booth."""


class ApplicationPassed(_RankedFact):
    """Chosen: there is a place for them."""

    NAME: ClassVar[str] = "application.passed"


class ApplicationReserved(_RankedFact):
    """Held in reserve (*cadangan*), in the order of rank."""

    NAME: ClassVar[str] = "application.reserved"


class ApplicationPromoted(_ToldFact):
    """A place became free, and they were next in reserve."""

    NAME: ClassVar[str] = "application.promoted"


class ApplicationRejected(_ToldFact):
    """Refused, by the curation or by the office."""

    NAME: ClassVar[str] = "application.rejected"
    cause: Annotated[ApplicationCause, AGENCY]
    total: Annotated[int | None, AGENCY] = None


class _PlacedFact(_ToldFact):
    booth_id: Annotated[UUID, AGENCY]
    wave: Annotated[int, AGENCY]
    booth: Annotated[int, AGENCY]
    """The booth's number, as people find it."""
    starts_at: Annotated[datetime, AGENCY]
    """When the wave begins."""
    confirm_by: Annotated[datetime, AGENCY]
    """Who has not confirmed until then gives the place up."""


class ApplicationPlaced(_PlacedFact):
    """They have a place at a booth, in a wave."""

    NAME: ClassVar[str] = "application.placed"


class ApplicationMoved(_PlacedFact):
    """They have another place, and are to confirm it."""

    NAME: ClassVar[str] = "application.moved"
    previous_booth_id: Annotated[UUID, AGENCY]
    previous_wave: Annotated[int, AGENCY]


class ApplicationConfirmed(_ApplicationFact):
    """They will come."""

    NAME: ClassVar[str] = "application.confirmed"


class ApplicationWithdrawn(_ToldFact):
    """They gave it up, or it was given up for them; the place, if they had one, is free."""

    NAME: ClassVar[str] = "application.withdrawn"
    cause: Annotated[ApplicationCause, AGENCY]


class ApplicationTookPart(_ApplicationFact):
    """They came and sold."""

    NAME: ClassVar[str] = "application.took_part"


class ApplicationNoShow(_ApplicationFact):
    """They had a place and did not come."""

    NAME: ClassVar[str] = "application.no_show"


class SalesReported(_ApplicationFact):
    """What they sold on a day of the exhibition (in its zone); it comes when it comes, and until then it is not known."""

    NAME: ClassVar[str] = "sales.reported"
    day: Annotated[date, AGENCY]
    amount: Annotated[int, AGENCY]
    """Rupiah."""


class SalesCorrected(_ApplicationFact):
    """A day's report was wrong."""

    NAME: ClassVar[str] = "sales.corrected"
    day: Annotated[date, AGENCY]
    previous: Annotated[int, AGENCY]
    amount: Annotated[int, AGENCY]


class _OutletFact(Fact):
    TOPIC: ClassVar[str] = OUTLET_TOPIC
    AGGREGATE: ClassVar[str] = "outlet_id"
    outlet_id: Annotated[UUID, PUBLIC]


class OutletOpened(_OutletFact):
    """A fixed selling place, such as Pawon Colang Caling, with so many stalls in each turn of its rota."""

    NAME: ClassVar[str] = "outlet.opened"
    title: Annotated[str, PUBLIC]
    held_by: Annotated[Literal["dinas", "mitra"], PUBLIC]
    partner: Annotated[str | None, PUBLIC] = None
    place: Annotated[str, PUBLIC]
    stalls: Annotated[int, PUBLIC]
    partner_id: Annotated[UUID | None, PUBLIC] = None
    """The organisation that holds it, if the registry knows it; ``partner`` is then what it was called."""


class OutletMemberJoined(_OutletFact):
    """A business takes part in the rota."""

    NAME: ClassVar[str] = "outlet.member_joined"
    owner_id: Annotated[UUID, AGENCY]
    business_id: Annotated[UUID, AGENCY]


class OutletMemberLeft(_OutletFact):
    """A business takes part no more."""

    NAME: ClassVar[str] = "outlet.member_left"
    business_id: Annotated[UUID, AGENCY]
    cause: Annotated[ApplicationCause, AGENCY]


class OutletTurnOpened(_OutletFact):
    """A turn of the rota, with the businesses whose turn it is."""

    NAME: ClassVar[str] = "outlet.turn_opened"
    turn: Annotated[int, PUBLIC]
    starts_on: Annotated[date, PUBLIC]
    ends_on: Annotated[date, PUBLIC]
    business_ids: Annotated[tuple[UUID, ...], AGENCY]


class OutletTurnPassedOn(_OutletFact):
    """Somebody gave up a turn; the next in the rota has it, or nobody."""

    NAME: ClassVar[str] = "outlet.turn_passed_on"
    turn: Annotated[int, PUBLIC]
    business_id: Annotated[UUID, AGENCY]
    next_business_id: Annotated[UUID | None, AGENCY] = None
