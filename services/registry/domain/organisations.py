"""Rules of organisations: partners of the office, who are no persons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.commands.licensing import ChangeOrganisation, EndOrganisation, RegisterOrganisation
from services.registry.domain.licensing_refusals import OrganisationEndedError
from services.registry.domain.models import Changed, Draft
from services.registry.domain.public_text import check_public
from shared.contracts.organisations import (
    OrganisationChanged,
    OrganisationEnded,
    OrganisationKind,
    OrganisationRegistered,
    OrganisationRole,
)
from shared.refusals import check_version


@dataclass(frozen=True, slots=True)
class Organisation:
    """A partner. ``roles`` are sorted, each once."""

    id: UUID
    version: int
    title: str
    kind: OrganisationKind
    roles: tuple[OrganisationRole, ...]
    ended_on: date | None
    registered_by: str


OrganisationChange = Changed[Organisation]


def _roles(roles: tuple[OrganisationRole, ...]) -> tuple[OrganisationRole, ...]:
    return tuple(sorted(set(roles)))


def _profile(organisation: Organisation) -> dict[str, Any]:
    same = {"organisation_id": organisation.id, "title": organisation.title}
    return {**same, "kind": organisation.kind, "roles": organisation.roles}


def check_works(organisation: Organisation) -> None:
    """Raise ``OrganisationEndedError`` if the organisation does not work with the office any more."""
    if organisation.ended_on is not None:
        raise OrganisationEndedError(organisation.id, organisation.ended_on)


def register(command: RegisterOrganisation, actor: str) -> OrganisationChange:
    """Return a new partner, version 1."""
    check_public("Nama organisasi", command.title)
    organisation = Organisation(
        id=command.organisation_id,
        version=1,
        title=command.title,
        kind=command.kind,
        roles=_roles(command.roles),
        ended_on=None,
        registered_by=actor,
    )
    return Changed(organisation, (Draft(OrganisationRegistered, _profile(organisation)),))


def change(organisation: Organisation, command: ChangeOrganisation) -> OrganisationChange:
    """Replace title, kind and roles; no fact if all is as it was."""
    check_version(organisation.version, command.expected_version)
    check_works(organisation)
    check_public("Nama organisasi", command.title)
    after = replace(organisation, title=command.title, kind=command.kind, roles=_roles(command.roles))
    if after == organisation:
        return Changed(organisation)
    after = replace(after, version=organisation.version + 1)
    return Changed(after, (Draft(OrganisationChanged, _profile(after)),))


def end(organisation: Organisation, command: EndOrganisation) -> OrganisationChange:
    """Say that the organisation does not work with the office any more."""
    check_version(organisation.version, command.expected_version)
    check_works(organisation)
    after = replace(organisation, version=organisation.version + 1, ended_on=command.ended_on)
    fields = {"organisation_id": organisation.id, "ended_on": command.ended_on}
    return Changed(after, (Draft(OrganisationEnded, fields),))
