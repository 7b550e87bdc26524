"""Certificates for people: the name opened at the moment of use, the PDF with its QR code, and what anybody may check."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import Enum
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import UUID

import orjson
import segno
import typst

from services.training.domain.certificates import fold_code, show_code
from services.training.domain.models import Printed
from services.training.domain.refusals import CertificateRevokedError, OwnerErasedError
from services.training.store import certificates as store
from shared.contracts.registry import OwnerPersonal
from shared.database import Pool
from shared.keys import Gone, KeyClient, KeysAwayError
from shared.refusals import NotFoundError
from shared.sealing import UnreadableError, open_sealed
from shared.wita import WITA, write_day

TEMPLATE = Path(__file__).parent.parent / "templates" / "sertifikat.typ"
OFFICE = "DKUMKMP Kota Balikpapan"
PDF_STANDARD: Final = "a-2b"
"""For keeping: fonts inside, nothing from elsewhere."""


class NoName(Enum):
    """Why there is no name to show."""

    ERASED = "erased"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Checked:
    """What anybody sees who has the code of a certificate: what it says itself, and whether it still holds."""

    printed: Printed
    name: str | NoName
    when: str
    code: str


async def _open_name(keys: KeyClient, printed: Printed) -> str | NoName:
    """Return the name on a certificate. Raises ``KeysAwayError``."""
    if printed.personal is None:
        return NoName.ERASED
    key = (await keys.fetch([printed.owner_id]))[printed.owner_id]
    if isinstance(key, Gone):
        return NoName.ERASED
    try:
        return open_sealed(key, printed.personal, OwnerPersonal).name
    except UnreadableError:
        return NoName.ERASED


async def check_certificate(pool: Pool, keys: KeyClient, code: str) -> Checked:
    """Return what a code stands for. Raises ``NotFoundError``; a registry that is away leaves the name out."""
    folded = fold_code(code)
    printed = await store.find_printed(pool, None, folded, None)
    if printed is None:
        raise NotFoundError("Sertifikat dengan kode", show_code(folded[:40]))
    try:
        name = await _open_name(keys, printed)
    except KeysAwayError:
        name = NoName.AWAY
    return Checked(printed, name, write_days(printed), show_code(printed.code))


async def show_certificate(pool: Pool, certificate_id: UUID) -> Printed:
    """Return what stands on a certificate, sealed, else ``NotFoundError``."""
    printed = await store.find_printed(pool, certificate_id, None, None)
    if printed is None:
        raise NotFoundError("Sertifikat", certificate_id)
    return printed


def write_days(printed: Printed) -> str:
    """Return the days of the training: ``3 Desember 2026`` or ``3 Desember 2026 sampai 5 Desember 2026`` (WITA)."""
    first = min(session.starts_at for session in printed.sessions).astimezone(WITA).date()
    last = max(session.ends_at for session in printed.sessions).astimezone(WITA).date()
    return write_day(first) if first == last else f"{write_day(first)} sampai {write_day(last)}"


class Printer:
    """Makes PDFs. ``public_url`` is where people reach the page that checks a code."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._compiler = typst.Compiler(str(TEMPLATE), ignore_system_fonts=True)
        self._lock = Lock()

    async def print_certificate(
        self, pool: Pool, keys: KeyClient, certificate_id: UUID, edition: int | None
    ) -> tuple[str, bytes]:
        """Return number and PDF of a certificate, in its newest edition or the one asked for.

        Raises ``NotFoundError``, ``CertificateRevokedError``, ``OwnerErasedError`` and ``KeysAwayError``.
        """
        printed = await store.find_printed(pool, certificate_id, None, edition)
        if printed is None:
            raise NotFoundError("Sertifikat", certificate_id)
        if printed.revoked:
            raise CertificateRevokedError(printed.number)
        name = await _open_name(keys, printed)
        if isinstance(name, NoName):
            raise OwnerErasedError(printed.owner_id)
        return printed.number, await asyncio.to_thread(partial(self.render, printed, name))

    def check_url(self, code: str) -> str:
        """Return where anybody may check a code."""
        return f"{self._public_url}/sertifikat/{show_code(code)}"

    def render(self, printed: Printed, name: str) -> bytes:
        """Return the PDF. The same edition gives the same bytes: its time is the day of issue."""
        url = self.check_url(printed.code)
        values = {
            "number": printed.number,
            "name": name,
            "title": printed.title,
            "programme": printed.programme,
            "batch": printed.batch,
            "held": "diselenggarakan oleh " + (printed.partner or OFFICE),
            "when": write_days(printed),
            "place": printed.place,
            "attended": printed.attended,
            "sessions": len(printed.sessions),
            "score": printed.score,
            "issued": write_day(printed.issued_on),
            "edition": printed.edition,
            "url": url,
            "code": show_code(printed.code),
        }
        # Error correction M: a code on paper is folded and copied.
        drawn = segno.make(url, error="m", micro=False).svg_inline(scale=4, border=2)
        issued = datetime.combine(printed.issued_on, time(), WITA).astimezone(UTC)
        with self._lock:
            made = self._compiler.compile(
                format="pdf",
                sys_inputs={"data": orjson.dumps(values).decode(), "qr": drawn},
                pdf_standards=[PDF_STANDARD],
                timestamp=issued,
            )
        if not isinstance(made, bytes):
            raise TypeError("one page was asked for, and typst gave something else")
        return made
