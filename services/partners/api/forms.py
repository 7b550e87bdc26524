"""What requests look like. They forbid unknown fields; every refusal names field and rule."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from services.partners.commands import DraftAgreement, Terms
from shared.contracts.partnership import DeliveryWay, Grant, LegalBasis, SuspensionCause
from shared.contracts.registry import BusinessClass
from shared.identifiers import new_id
from shared.web.app import RequestModel
from shared.web.fields import one_line

Line = Annotated[str, Field(min_length=3, max_length=300), AfterValidator(one_line)]
AgencyCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,29}$", examples=["dpmptsp"])]
TypeName = Annotated[str, Field(max_length=120, examples=["id.go.balikpapan.umkm.business.registered.v1"])]
FieldName = Annotated[str, StringConstraints(pattern=r"^(personal\.)?[a-z][a-z0-9_]{0,59}$")]
Place = Annotated[str, StringConstraints(pattern=r"^64\.71\.\d{2}\.\d{4}$")]
Sector = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


def _storable(moment: datetime) -> datetime:
    """Refuse an instant whose day in another zone has no year any more. Raises ``ValueError``."""
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError(f"tahun harus {MINYEAR + 1} sampai {MAXYEAR - 1}")
    return moment


Moment = Annotated[AwareDatetime, Field(examples=["2026-12-01T00:00:00+08:00"]), AfterValidator(_storable)]


class GrantForm(RequestModel):
    """Kolom yang diberikan dari satu jenis peristiwa; kolom pribadi ditulis `personal.<kolom>`."""

    type: TypeName
    fields: tuple[FieldName, ...] = Field(min_length=1, max_length=60)


class TermsForm(RequestModel):
    """Naskah perjanjian. Tanpa `kelurahan`, `sectors`, `classes`: tidak disaring. Berlaku sampai sesaat sebelum `expires_at`."""

    title: Line
    legal_basis: LegalBasis
    legal_reference: Line
    purpose: Line
    contact: Line
    grants: tuple[GrantForm, ...] = Field(min_length=1, max_length=200)
    kelurahan: tuple[Place, ...] = Field(default=(), max_length=100)
    sectors: tuple[Sector, ...] = Field(default=(), max_length=100)
    classes: tuple[BusinessClass, ...] = Field(default=(), max_length=10)
    ways: tuple[DeliveryWay, ...] = Field(min_length=1, max_length=3)
    starts_at: Moment
    expires_at: Moment

    def to_terms(self) -> Terms:
        """Return the text."""
        said = self.model_dump(exclude={"grants", "classes", "ways"})
        return Terms(
            **said,
            grants=tuple(Grant(type=item.type, fields=tuple(sorted(set(item.fields)))) for item in self.grants),
            classes=tuple(item.value for item in self.classes),
            ways=tuple(dict.fromkeys(self.ways)),
        )


class AgreementForm(TermsForm):
    """Perjanjian baru dengan satu instansi, disebut dengan kodenya."""

    agency: AgencyCode

    def to_command(self) -> DraftAgreement:
        """Return the command, with a fresh id."""
        terms = TermsForm.model_validate(self.model_dump(exclude={"agency"})).to_terms()
        return DraftAgreement(new_id(), self.agency, terms)


class CauseForm(RequestModel):
    """Mengapa ditangguhkan atau diakhiri."""

    cause: SuspensionCause
