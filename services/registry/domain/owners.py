"""Rules of owners."""

from __future__ import annotations

from dataclasses import replace

from services.registry.commands import ChangeOwnerConsent, ChangeOwnerContact, ChangeOwnerRestriction, RegisterOwner
from services.registry.domain.models import Draft, Owner
from services.registry.domain.refusals import OwnerErasedError, UnknownPlaceError
from services.registry.reference.places import all_places
from shared.contracts.registry import (
    UNKNOWN_PLACE,
    OwnerConsentChanged,
    OwnerContactChanged,
    OwnerErased,
    OwnerRegistered,
)
from shared.refusals import check_version

NO_NIK = "nik_kosong"


def check_place(code: str) -> None:
    """Raise ``UnknownPlaceError`` unless the code is a kelurahan of the city or the value for unknown."""
    if code != UNKNOWN_PLACE and code not in all_places():
        raise UnknownPlaceError(code)


def register(command: RegisterOwner, actor: str) -> tuple[Owner, Draft]:
    """Return a new owner, version 1, and the fact. Without a NIK the owner is one's own record, with a flag."""
    check_place(command.kelurahan)
    owner = Owner(
        id=command.owner_id,
        version=1,
        name=command.name,
        nik=command.nik,
        birth_date=command.birth_date,
        phones=command.phones,
        email=command.email,
        language=command.language,
        channel=command.channel,
        consents=command.consents,
        flags=() if command.nik else (NO_NIK,),
        kelurahan=command.kelurahan,
        source="petugas",
        registered_by=actor,
    )
    fields = {
        "owner_id": owner.id,
        "language": owner.language,
        "channel": owner.channel,
        "consents": owner.consents,
        "flags": owner.flags,
    }
    return owner, Draft(OwnerRegistered, fields, owner.personal())


def _open(owner: Owner, expected_version: int | None) -> None:
    if owner.erased:
        raise OwnerErasedError(owner.id)
    if expected_version is not None:
        check_version(owner.version, expected_version)


def change_contact(owner: Owner, command: ChangeOwnerContact) -> tuple[Owner, Draft | None]:
    """Return the owner with name, phones and e-mail replaced; no fact if all is as it was."""
    _open(owner, command.expected_version)
    after = replace(owner, name=command.name, phones=command.phones, email=command.email)
    if after == owner:
        return owner, None
    after = replace(after, version=owner.version + 1)
    return after, Draft(OwnerContactChanged, {"owner_id": owner.id, "flags": after.flags}, after.personal())


def change_consent(owner: Owner, command: ChangeOwnerConsent) -> tuple[Owner, Draft | None]:
    """Return the owner with consent, language and channel replaced; no fact if all is as it was."""
    _open(owner, command.expected_version)
    after = replace(owner, consents=command.consents, language=command.language, channel=command.channel)
    if after == owner:
        return owner, None
    return _consent_changed(after)


def change_restriction(owner: Owner, command: ChangeOwnerRestriction) -> tuple[Owner, Draft | None]:
    """Return the owner with the use of their data restricted, or allowed again; no fact if all is as it was.

    Told as a change of consent, so that who knows of consents only stops too.
    """
    _open(owner, command.expected_version)
    if owner.restricted is command.restricted:
        return owner, None
    return _consent_changed(replace(owner, restricted=command.restricted))


def _consent_changed(owner: Owner) -> tuple[Owner, Draft]:
    after = replace(owner, version=owner.version + 1)
    fields = {
        "owner_id": after.id,
        "consents": after.consents_now,
        "language": after.language,
        "channel": after.channel,
        "restricted": after.restricted,
    }
    return after, Draft(OwnerConsentChanged, fields)


def erase(owner: Owner, expected_version: int | None) -> tuple[Owner, Draft]:
    """Return the owner without anything personal, and the fact."""
    _open(owner, expected_version)
    after = replace(
        owner,
        version=owner.version + 1,
        name=None,
        nik=None,
        birth_date=None,
        phones=(),
        email=None,
        erased=True,
    )
    return after, Draft(OwnerErased, {"owner_id": owner.id})
