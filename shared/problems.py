"""Problem answers (RFC 9457): every refusal of an HTTP API, with texts in Indonesian and nothing personal in them.

``raise Problem(409, "nik-terdaftar", "NIK sudah terdaftar", "Pemilik dengan NIK ini sudah ada.")`` anywhere below a
route becomes an ``application/problem+json`` answer with ``type, title, status, detail, instance, request_id`` and extras.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "tag:balikpapan.go.id,2026:umkm:problem:"
RETRY_AFTER_SECONDS = 2


class Problem(HTTPException):
    """A refusal with its HTTP status; handlers of the web layer turn it into the answer.

    It is Starlette's ``HTTPException`` too, so that it also comes through where FastAPI turns all else into a 400.

    ``slug`` names the kind (kebab case, Indonesian), ``title`` is the same for the kind, ``detail`` speaks of this case.
    ``extra`` members go into the answer as they are: never put a personal value there.
    """

    def __init__(
        self, status: int, slug: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        self.headers: dict[str, str] = dict(headers or {})
        super().__init__(status_code=status, detail=detail, headers=self.headers)
        self.slug = slug
        self.title = title
        self.extra = extra

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.status_code

    def __str__(self) -> str:
        return f"{self.status_code} {self.slug}: {self.detail}"

    def members(self) -> dict[str, Any]:
        """Return the members of the answer, without those of the request."""
        named = {"type": TYPE_PREFIX + self.slug, "title": self.title, "status": self.status, "detail": self.detail}
        return {**self.extra, **named}


def problem_response(problem: Problem, request_id: str | None, path: str | None = None) -> JSONResponse:
    """Return the answer for ``problem``; ``request_id`` is what the caller quotes when asking the operator."""
    body = problem.members()
    if path:
        body["instance"] = path
    if request_id:
        body["request_id"] = request_id
    return JSONResponse(body, status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


_TEXTS: dict[int, tuple[str, str, str]] = {
    400: ("permintaan-rusak", "Permintaan tidak dapat dibaca", "Isi permintaan tidak dapat dibaca."),
    401: ("belum-masuk", "Belum masuk", "Permintaan ini memerlukan token akses yang sah."),
    403: ("tidak-berhak", "Tidak berhak", "Peran Anda tidak berhak atas tindakan ini."),
    404: ("tidak-ditemukan", "Tidak ditemukan", "Yang Anda cari tidak ada di sini."),
    405: ("metode-tidak-didukung", "Metode tidak didukung", "Alamat ini tidak menerima metode tersebut."),
    408: ("terlalu-lama", "Permintaan terlalu lama", "Isi permintaan tidak selesai dikirim pada waktunya."),
    413: ("terlalu-besar", "Permintaan terlalu besar", "Isi permintaan melebihi batas."),
    415: ("jenis-isi", "Jenis isi tidak didukung", "Jenis isi permintaan tidak didukung."),
    422: ("isi-tidak-sah", "Isi permintaan tidak sah", "Ada isian yang tidak sesuai; lihat daftar kesalahan."),
    429: ("terlalu-banyak", "Terlalu banyak permintaan", "Terlalu banyak permintaan; silakan coba lagi sebentar lagi."),
    500: ("kesalahan-sistem", "Kesalahan sistem", "Terjadi kesalahan yang tidak terduga dan sudah dicatat."),
    503: (
        "sedang-tidak-tersedia",
        "Layanan sedang tidak tersedia",
        "Layanan belum dapat menjamin permintaan ini; silakan coba lagi sebentar lagi.",
    ),
}


def standard(
    status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> Problem:
    """Return the usual problem of an HTTP status, with another detail where one is given."""
    slug, title, usual = _TEXTS.get(status) or (f"http-{status}", HTTPStatus(status).phrase, HTTPStatus(status).phrase)
    return Problem(status, slug, title, detail or usual, headers=headers, **extra)


def unavailable(detail: str | None = None, *, retry_after: int = RETRY_AFTER_SECONDS) -> Problem:
    """Return the 503 of a promise that cannot be kept now; ``retry_after`` in seconds."""
    return standard(503, detail, headers={"Retry-After": str(retry_after)})


def request_id_of(request: Request) -> str | None:
    """Return the id that the web layer gave this request."""
    return getattr(request.state, "request_id", None)
