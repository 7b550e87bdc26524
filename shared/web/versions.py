"""The version that a caller has seen: ``ETag`` out, ``If-Match`` in."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header

from shared.problems import Problem

_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


async def seen_version(
    if_match: Annotated[str | None, Header(description='Versi yang Anda lihat, dari ETag: `"3"`.')] = None,
) -> int:
    """Return the version in ``If-Match``. Raises the problems 428 without it, 400 if it is not one of ours."""
    if if_match is None:
        raise Problem(
            428,
            "if-match-wajib",
            "If-Match wajib diisi",
            "Sertakan header If-Match berisi ETag dari data yang Anda baca.",
        )
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Problem(400, "if-match-salah", "If-Match tidak sah", 'Isi If-Match dengan ETag, misalnya "3".')
    return int(match[1])


def etag(version: int) -> str:
    """Return a version as an ETag."""
    return f'"{version}"'


SeenVersion = Annotated[int, Depends(seen_version)]
