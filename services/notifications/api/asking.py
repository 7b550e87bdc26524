"""What the routes share: the database, who may ask, places in a list."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from shared.auth import Principal, Role, allow
from shared.database import Pool
from shared.problems import standard

Office = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS, Role.OPERATOR))]


class Out(BaseModel):
    """The form of an answer."""

    model_config = ConfigDict(frozen=True)


async def pool_of(request: Request) -> Pool:
    """Return the pool of this app."""
    return request.app.state.pool


Database = Annotated[Pool, Depends(pool_of)]


def encode_place(place: tuple[datetime, UUID] | None) -> str | None:
    """Return a place in the list as an opaque text."""
    if place is None:
        return None
    return urlsafe_b64encode(f"{place[0].astimezone(UTC).isoformat()}|{place[1].hex}".encode()).decode()


def decode_place(text: str | None) -> tuple[datetime, UUID] | None:
    """Return the place that ``encode_place`` wrote. Raises the problem 400 for anything else."""
    if text is None:
        return None
    try:
        moment, _, message_id = urlsafe_b64decode(text.encode("ascii")).decode("ascii").partition("|")
        given = datetime.fromisoformat(moment)
        if given.tzinfo is None:
            raise ValueError("a moment without its zone")
        return given.astimezone(UTC), UUID(hex=message_id)
    except (
        ValueError,
        Base64Error,
        OverflowError,
    ):  # at the ends of the calendar there are moments that UTC has no year for
        raise standard(400, "Penunjuk halaman (after) tidak dikenal; mulai dari halaman pertama.") from None
