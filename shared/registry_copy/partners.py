"""Organisations that hold courses, exhibitions and selling places with the office: what is kept, and who may hold what. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from shared.contracts.organisations import (
    OrganisationChanged,
    OrganisationEnded,
    OrganisationProfile,
    OrganisationRegistered,
    OrganisationRole,
)
from shared.envelope import Event
from shared.majors import names_of
from shared.refusals import DeedRefusedError
from shared.wita import write_day

WORDS = {
    OrganisationRole.PELATIHAN: "pelatihan",
    OrganisationRole.PAMERAN: "pameran",
    OrganisationRole.TEMPAT_JUAL: "tempat jual",
}
"""What an organisation does in a role, as a sentence says it."""


PARTNER_NAMES = names_of(OrganisationRegistered, OrganisationChanged, OrganisationEnded)
"""The names of the facts that say something which is kept."""


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation as the copy has it."""

    id: UUID
    title: str
    roles: frozenset[OrganisationRole]
    ended_on: date | None
    """When it ceased to work with the office; ``None``: it works with it."""


@dataclass(slots=True)
class PartnerChange:
    """What a batch says of one organisation. ``None`` means: not said."""

    version: int
    title: str | None = None
    roles: tuple[OrganisationRole, ...] | None = None
    ended_on: date | None = None


@dataclass(slots=True)
class PartnerChanges:
    """What a batch says of organisations."""

    partners: dict[UUID, PartnerChange] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Fold one fact of an organisation. One that says nothing we keep still moves the version."""
        fact, version = event.fact, event.meta.sequence
        change = self.partners.setdefault(fact.aggregate_id, PartnerChange(version))
        change.version = version
        match fact:
            case OrganisationProfile():
                change.title, change.roles = fact.title, fact.roles
            case OrganisationEnded():
                change.ended_on = fact.ended_on


class PartnerUnknownError(DeedRefusedError):
    """The registry's facts have not told of this organisation (yet)."""

    slug, title = "mitra-belum-dikenal", "Mitra belum dikenal"

    def __init__(self, partner_id: UUID) -> None:
        text = f"Mitra {partner_id} belum dikenal; bila baru didaftarkan, coba lagi sebentar lagi."
        super().__init__(text, partner_id=str(partner_id))


class PartnerEndedError(DeedRefusedError):
    """The organisation does not work with the office any more."""

    slug, title = "mitra-berakhir", "Kerja sama mitra sudah berakhir"

    def __init__(self, partner: Partner, ended_on: date) -> None:
        text = f"Kerja sama dengan {partner.title} berakhir {write_day(ended_on)}."
        super().__init__(text, partner_id=str(partner.id), ended_on=ended_on.isoformat())


class PartnerRoleError(DeedRefusedError):
    """The organisation works with the office, but not in this."""

    slug, title = "mitra-tanpa-peran", "Mitra tidak berperan di sini"

    def __init__(self, partner: Partner, role: OrganisationRole) -> None:
        roles = sorted(partner.roles)
        said = ", ".join(WORDS[item] for item in roles) or "tanpa peran"
        text = f"{partner.title} bukan mitra {WORDS[role]}; perannya: {said}."
        super().__init__(text, partner_id=str(partner.id), role=role.value, roles=[item.value for item in roles])


PARTNER_REFUSALS: Collection[type[DeedRefusedError]] = (PartnerUnknownError, PartnerEndedError, PartnerRoleError)
"""All that ``title_of`` raises; every service that calls it has a status for each."""


def title_of(partner_id: UUID, found: Partner | None, role: OrganisationRole) -> str:
    """Return what the organisation is called, if it may hold something in a role; ``found`` is what the copy has.

    Raises ``PartnerUnknownError``, ``PartnerEndedError``, ``PartnerRoleError``.
    """
    if found is None:
        raise PartnerUnknownError(partner_id)
    if found.ended_on is not None:
        raise PartnerEndedError(found, found.ended_on)
    if role not in found.roles:
        raise PartnerRoleError(found, role)
    return found.title


def names_one_holder(held_by: str, partner: str | None, partner_id: UUID | None) -> bool:
    """Tell whether it is said who holds something: a partner by its id or, from old lists, by its name; the office by neither."""
    return (partner is not None) + (partner_id is not None) == (held_by == "mitra")
