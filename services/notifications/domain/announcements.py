"""Announcements: one text of the office for many owners. Their states, whom they reach, and the ids of their messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from services.notifications.commands import Audience, Text, Topic
from shared.contracts.registry import UNKNOWN_PLACE, BusinessStatus

TEMPLATE = "announcement"
"""The template of every message that tells an announcement, and its event type: no fact stands behind it."""


TOPIC_NAMES: Mapping[Topic, Mapping[str, str]] = {
    Topic.PELATIHAN: {"id": "pelatihan dan pendampingan", "en": "training and mentoring"},
    Topic.PAMERAN: {"id": "pameran dan bazar", "en": "exhibitions and bazaars"},
    Topic.PEMBIAYAAN: {"id": "pembiayaan dan bantuan usaha", "en": "finance and support"},
    Topic.PERIZINAN: {"id": "perizinan dan sertifikasi", "en": "licences and certificates"},
    Topic.KABAR: {"id": "kabar umum dari dinas", "en": "general news from the office"},
}


class AnnouncementState(StrEnum):
    """How far an announcement has come."""

    QUEUED = "queued"
    RUNNING = "running"  # its messages are being made
    DONE = "done"  # all its messages are made; the senders have them
    CANCELLING = "cancelling"  # nothing more goes out; its messages are being taken back
    CANCELLED = "cancelled"


STOPPED = frozenset({AnnouncementState.CANCELLING, AnnouncementState.CANCELLED})
GONE = (BusinessStatus.TUTUP, BusinessStatus.DITOLAK, BusinessStatus.DIGABUNG)
"""A business of these states is in no audience."""


@dataclass(frozen=True, slots=True)
class Reach:
    """An audience as the store asks for it; ``None`` asks nothing."""

    places: list[str] | None
    classes: list[str] | None
    sectors: list[str] | None


class UnknownPlaceError(LookupError):
    """A code of a kecamatan or kelurahan that the city does not have."""

    def __init__(self, codes: Iterable[str]) -> None:
        self.codes = sorted(codes)
        super().__init__(", ".join(self.codes))


class UnclearAudienceError(ValueError):
    """Everyone and some, or nobody named: too easily a mistake that reaches the whole city."""


class EmptyAudienceError(ValueError):
    """No owner fits."""


class UnknownAnnouncementError(LookupError):
    """There is no such announcement."""


class NothingToCancelError(ValueError):
    """All its messages are out already, or were never to go out."""


def reach_of(audience: Audience, known: Iterable[str]) -> Reach:
    """Return what the store asks for; ``known`` are the codes of all kelurahan.

    A kecamatan stands for its kelurahan, beside those that are named. Raises ``UnclearAudienceError``, ``UnknownPlaceError``.
    """
    if audience.everyone == audience.filtered:
        raise UnclearAudienceError
    codes = frozenset(known)
    inside = {district: {code for code in codes if code.startswith(f"{district}.")} for district in audience.kecamatan}
    unknown = {code for code in audience.kelurahan if code not in codes and code != UNKNOWN_PLACE}
    unknown |= {district for district, found in inside.items() if not found}
    if unknown:
        raise UnknownPlaceError(unknown)
    places = set(audience.kelurahan).union(*inside.values())
    return Reach(sorted(places) or None, sorted(set(audience.classes)) or None, sorted(set(audience.sectors)) or None)


def announcement_message_id(announcement_id: UUID, owner_id: UUID) -> UUID:
    """Return the id of the one message that tells an owner an announcement.

    A UUIDv8 (RFC 9562), 112 bits of it SHA-256 over both ids. The database makes the same id by the function of this name,
    because it makes the messages itself.
    """
    digest = bytearray(sha256(announcement_id.bytes + owner_id.bytes).digest()[:16])
    digest[6] = digest[8] = 0x80  # version 8 and the variant
    return UUID(bytes=bytes(digest))


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sender needs to know of an announcement."""

    topic: Topic
    texts: Mapping[str, Text]
    """Language to text; Indonesian is always there."""
    stopped: bool

    def told_in(self, language: str) -> tuple[str, Text]:
        """Return language and text for an owner of this language: Indonesian where there is no text in theirs."""
        told = language if language in self.texts else "id"
        return told, self.texts[told]
