"""What an operator or the office may ask of this service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ResendMessage:
    """Send once more what failed, or what may have arrived or not."""

    message_id: UUID
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class SetOfficer:
    """Note where an officer's digests go, and in which language."""

    sub: str
    address: str
    language: Literal["id", "en"]
    actor: str


class Topic(StrEnum):
    """What an announcement is about; an owner may stop each of them alone."""

    PELATIHAN = "pelatihan"
    PAMERAN = "pameran"
    PEMBIAYAAN = "pembiayaan"
    PERIZINAN = "perizinan"
    KABAR = "kabar"


@dataclass(frozen=True, slots=True)
class Text:
    """What is announced, in one language."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom: everyone, or owners of a business that fits every given list. An empty list asks nothing."""

    everyone: bool = False
    kecamatan: tuple[str, ...] = ()
    kelurahan: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()

    @property
    def filtered(self) -> bool:
        """Whether any list asks for something."""
        return bool(self.kecamatan or self.kelurahan or self.classes or self.sectors)


@dataclass(frozen=True, slots=True)
class MakeAnnouncement:
    """Tell many owners one thing. ``id`` names it; its messages are made by a worker."""

    id: UUID
    topic: Topic
    texts: Mapping[str, Text]
    """Language to text; Indonesian is always there."""
    audience: Audience
    actor: str


@dataclass(frozen=True, slots=True)
class CancelAnnouncement:
    """Let nothing more of an announcement go out."""

    announcement_id: UUID
    reason: str
    actor: str


class Digest(StrEnum):
    """How often an owner wants to hear what can wait: each at once, or together."""

    LANGSUNG = "langsung"
    HARIAN = "harian"
    MINGGUAN = "mingguan"


@dataclass(frozen=True, slots=True)
class ChooseDigest:
    """Tell an owner what can wait once a day or once a week, or each at once."""

    owner_id: UUID
    every: Digest
    actor: str


@dataclass(frozen=True, slots=True)
class ChooseTopic:
    """Stop a topic of announcements for an owner, or take it up again."""

    owner_id: UUID
    topic: Topic
    wanted: bool
