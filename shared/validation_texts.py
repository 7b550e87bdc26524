"""Validation errors of pydantic in Indonesian: each field with its value, what is wrong, and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from shared.masking import field_is_personal, mask_value

MOST_ERRORS = 50
LONGEST_VALUE = 200

_MESSAGES = {
    "missing": "wajib diisi",
    "extra_forbidden": "bidang ini tidak dikenal",
    "json_invalid": "bukan JSON yang sah",
    "string_type": "harus berupa teks",
    "string_unicode": "harus berupa teks Unicode yang sah",
    "string_too_short": "terlalu pendek",
    "string_too_long": "terlalu panjang",
    "string_pattern_mismatch": "bentuknya tidak sesuai",
    "int_type": "harus berupa bilangan bulat",
    "int_parsing": "harus berupa bilangan bulat",
    "int_parsing_size": "bilangannya terlalu besar",
    "int_from_float": "harus berupa bilangan bulat tanpa pecahan",
    "float_type": "harus berupa bilangan",
    "float_parsing": "harus berupa bilangan",
    "decimal_type": "harus berupa bilangan",
    "decimal_parsing": "harus berupa bilangan",
    "decimal_max_digits": "terlalu banyak angka",
    "decimal_max_places": "terlalu banyak angka di belakang koma",
    "finite_number": "harus bilangan yang terhingga",
    "bool_type": "harus true atau false",
    "bool_parsing": "harus true atau false",
    "greater_than": "terlalu kecil",
    "greater_than_equal": "terlalu kecil",
    "less_than": "terlalu besar",
    "less_than_equal": "terlalu besar",
    "multiple_of": "bukan kelipatan yang diminta",
    "enum": "bukan salah satu pilihan",
    "literal_error": "bukan salah satu pilihan",
    "union_tag_invalid": "jenisnya tidak dikenal",
    "union_tag_not_found": "jenisnya wajib disebut",
    "uuid_type": "harus berupa UUID",
    "uuid_parsing": "harus berupa UUID",
    "uuid_version": "versi UUID tidak sesuai",
    "date_type": "harus berupa tanggal",
    "date_parsing": "harus berupa tanggal",
    "date_from_datetime_parsing": "harus berupa tanggal",
    "date_from_datetime_inexact": "harus berupa tanggal tanpa jam",
    "date_past": "harus tanggal yang sudah lewat",
    "date_future": "harus tanggal yang akan datang",
    "datetime_type": "harus berupa tanggal dan jam",
    "datetime_parsing": "harus berupa tanggal dan jam",
    "datetime_from_date_parsing": "harus berupa tanggal dan jam",
    "timezone_aware": "harus menyebut zona waktu",
    "list_type": "harus berupa daftar",
    "tuple_type": "harus berupa daftar",
    "set_type": "harus berupa daftar",
    "dict_type": "harus berupa objek",
    "model_type": "harus berupa objek",
    "model_attributes_type": "harus berupa objek JSON; periksa juga Content-Type: application/json",
    "too_short": "isinya terlalu sedikit",
    "too_long": "isinya terlalu banyak",
    "url_parsing": "harus berupa URL",
    "none_required": "harus dikosongkan",
}
_USUAL = "nilainya tidak sesuai"

_FORMS = {
    "uuid_type": "UUID, misalnya 0193e7a0-0000-7000-8000-00000000abcd",
    "uuid_parsing": "UUID, misalnya 0193e7a0-0000-7000-8000-00000000abcd",
    "date_type": "tanggal ISO 8601, misalnya 2026-11-25",
    "date_parsing": "tanggal ISO 8601, misalnya 2026-11-25",
    "date_from_datetime_parsing": "tanggal ISO 8601, misalnya 2026-11-25",
    "datetime_type": "waktu ISO 8601 dengan zona, misalnya 2026-11-25T09:00:00+08:00",
    "datetime_parsing": "waktu ISO 8601 dengan zona, misalnya 2026-11-25T09:00:00+08:00",
    "timezone_aware": "waktu ISO 8601 dengan zona, misalnya 2026-11-25T09:00:00+08:00",
    "int_type": "bilangan bulat",
    "int_parsing": "bilangan bulat",
    "int_from_float": "bilangan bulat",
    "bool_type": "true atau false",
    "bool_parsing": "true atau false",
    "string_type": "teks",
    "list_type": "daftar",
    "extra_forbidden": "hapus bidang ini",
}
# (name in the error's context, how it is told)
_LIMITS = (
    ("gt", "lebih dari {}"),
    ("ge", "paling sedikit {}"),
    ("lt", "kurang dari {}"),
    ("le", "paling banyak {}"),
    ("multiple_of", "kelipatan {}"),
    ("pattern", "bentuk {}"),
    ("max_digits", "paling banyak {} angka"),
    ("decimal_places", "paling banyak {} angka di belakang koma"),
)


def _allowed(kind: str, context: Mapping[str, Any]) -> str | None:
    if expected := context.get("expected") or context.get("expected_tags"):
        return "salah satu dari: " + str(expected).replace(" or ", ", ").replace("'", "")
    unit = "karakter" if kind.startswith("string_") else "butir"
    if "min_length" in context:
        return f"paling sedikit {context['min_length']} {unit}"
    if "max_length" in context:
        return f"paling banyak {context['max_length']} {unit}"
    for name, text in _LIMITS:
        if name in context:
            return text.format(context[name])
    return _FORMS.get(kind)


def _message(kind: str, context: Mapping[str, Any], original: str) -> str:
    if kind in ("value_error", "assertion_error"):
        # Our own validators speak Indonesian, and never repeat the value.
        return str(context.get("error", original))
    return _MESSAGES.get(kind, _USUAL)


def shown_value(field: str, value: Any) -> Any:
    """Return what an answer may repeat of a refused value: masked, short, and always JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return "(objek)"
    if isinstance(value, list | tuple | set):
        return "(daftar)"
    masked = mask_value(field, value)
    if isinstance(masked, int) or (isinstance(masked, float) and math.isfinite(masked)):
        return masked
    # A lone surrogate cannot be written as UTF-8.
    text = str(masked).encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _describe(error: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(error.get("type", ""))
    context = error.get("ctx") or {}
    place, *path = [str(part).encode("utf-8", "replace").decode("utf-8") for part in error.get("loc", ())] or [""]
    names = [part for part in path if not part.isdecimal()]
    personal = next((name for name in names if field_is_personal(name)), "")
    unknown = kind in ("missing", "json_invalid", "union_tag_not_found")
    return {
        "field": ".".join(path)[:LONGEST_VALUE] if kind != "json_invalid" else "",
        "in": place,
        "value": None if unknown else shown_value(personal or (names[-1] if names else ""), error.get("input")),
        "message": _message(kind, context, str(error.get("msg", ""))),
        "allowed": _allowed(kind, context),
    }


def describe_errors(errors: Sequence[Any]) -> tuple[list[dict[str, Any]], int]:
    """Return at most 50 errors as ``{field, in, value, message, allowed}`` and how many there are in all."""
    return [_describe(error) for error in errors[:MOST_ERRORS]], len(errors)
