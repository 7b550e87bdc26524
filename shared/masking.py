"""Masking: NIK, phone numbers, e-mail addresses, tokens and secrets out of any text or nested value.

Used for logs and for values echoed in problem answers. It errs towards masking: a long number that is no NIK is
masked too. Identifiers that are hexadecimal (UUIDs, trace ids, digests) are recognised first and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SECRET = "[rahasia]"  # noqa: S105 (what stands in place of one)
PERSONAL = "[pribadi]"
LONGEST_TEXT = 8_192
DEEPEST = 8

PERSONAL_FIELDS = frozenset(
    {
        *("nik", "npwp", "ktp", "no_ktp", "birth_date", "birth_place", "address", "alamat"),
        *("phone", "phones", "phone_number", "telepon", "telp", "no_telepon", "hp", "no_hp", "whatsapp", "wa"),
        *("email", "e_mail", "surel", "full_name", "owner_name", "nama", "nama_lengkap", "nama_pemilik"),
    }
)
"""Names of fields whose value is about a person, whatever it looks like."""

_SECRET_FIELD = re.compile(
    r"(?i)(pass(word|wd|phrase)?|secret|token|authorization|api_?key|private_?key|encryption_?key|kek|cookie|credentials?|dsn|jwk)$"
)
# Between two digits of one number people write blanks, dots, dashes and the like, up to two of them.
_GAP = r"[\s.,\-_/()\u00a0\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff'+]{0,3}"
_HEX_ID = (
    r"(?P<keep>(?<![0-9A-Za-z])(?:(?=[0-9\-]*[a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|00-(?=[0-9]*[a-f])[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
    r"|(?=(?:[0-9]*[a-f]){3})(?:[0-9a-f]{64}|[0-9a-f]{32}))(?![0-9A-Za-z]))"
)
_NIK = rf"(?P<nik>\d(?:{_GAP}\d){{15,}})"
_MOBILE = (
    rf"(?P<phone>(?:(?<!\d)0{_GAP}0{_GAP}|\+\s*|(?<!\d))(?:6{_GAP}2{_GAP}(?:0{_GAP})?|0{_GAP})8(?:{_GAP}\d){{7,12}})"
)
_LANDLINE = rf"(?P<line>(?:\+\s*62{_GAP}|(?<!\d)0)[2-9]\d{{1,2}}{_GAP}\d{{5,8}}(?!\d))"
_ABROAD = rf"(?P<abroad>\+\d(?:{_GAP}\d){{7,14}})"
_NUMBERS = re.compile("|".join((_HEX_ID, _NIK, _MOBILE, _ABROAD, _LANDLINE)))
_ENOUGH_DIGITS = re.compile(r"(?:\d[^\d\n]{0,3}){8}")

_EMAIL = re.compile(r"[^\s@<>\"'`,;:()\[\]{}|=/\\]{1,128}(?:@|%40|\uff20)[^\s@<>\"'`,;:()\[\]{}|=/\\?&]{2,255}")
_DSN_LOGIN = re.compile(r"(?<=://)[^\s/@]{0,256}@")
_BEARER = re.compile(r"(?i)\b(bearer)(?:\s+|%20)[A-Za-z0-9._~+/=\-]{6,}")
_BASIC = re.compile(r"\b([Bb]asic)\s+(?=[a-z+/]*[A-Z0-9=])[A-Za-z0-9+/]{8,}=*")
_JWT = re.compile(r"ey[JI][A-Za-z0-9_\-]{6,}(?:\.[A-Za-z0-9_\-]*){0,4}")
_NAMED_SECRET = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|encryption[_-]?key|authorization|cookie)"
    r"[\"']?\s*(?:=|:)\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}\"']+)"
)
_NAMED_WORDS = ("pass", "secret", "token", "key", "authorization", "cookie")
_ROW_OF_ERROR = re.compile(r"(?s)(Failing row contains |Key \([^)]*\)=)\(.*?\)(?=[ .]|$)")
_INPUT_OF_ERROR = re.compile(r"(?s)input_value=.*?(?=, input_type=)")
# (signs of which one stands in the lower-cased text if the pattern can match, pattern, what stands in its place)
_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (("://",), _DSN_LOGIN, f"{SECRET}@"),
    (_NAMED_WORDS, _NAMED_SECRET, rf"\1{SECRET}"),
    (("bearer",), _BEARER, rf"\1 {SECRET}"),
    (("basic",), _BASIC, rf"\1 {SECRET}"),
    (("eyj", "eyi"), _JWT, "[token]"),
    (("contains (", ")=("), _ROW_OF_ERROR, rf"\1({PERSONAL})"),
    (("input_value=",), _INPUT_OF_ERROR, f"input_value={PERSONAL}"),
    (("@", "%40", "\uff20"), _EMAIL, "[surel]"),
)


def _number(match: re.Match[str]) -> str:
    if match.lastgroup == "keep":
        return match.group()
    return "[nik]" if match.lastgroup == "nik" else "[telepon]"


def mask_text(text: str) -> str:
    """Return ``text`` with NIK, phones, addresses, tokens and secrets replaced by words in brackets."""
    if len(text) < 6:
        return text
    lower = text.lower()
    for signs, pattern, replacement in _RULES:
        if any(sign in lower for sign in signs):
            text = pattern.sub(replacement, text)
    if _ENOUGH_DIGITS.search(text):
        text = _NUMBERS.sub(_number, text)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"


def field_is_secret(name: str) -> bool:
    """Tell whether a field of this name holds a secret."""
    return _SECRET_FIELD.search(name) is not None


def field_is_personal(name: str) -> bool:
    """Tell whether a field of this name speaks of a person."""
    return name.lower().replace("-", "_") in PERSONAL_FIELDS


def _hidden_by_name(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, bool) or not name:
        return None
    if field_is_secret(name) and not isinstance(value, int | float):
        return SECRET
    return PERSONAL if field_is_personal(name) else None


# A mobile number whose leading zero a spreadsheet ate.
_PHONE_AS_NUMBER = re.compile(r"8\d{8,11}")


def _mask_number(value: int | float) -> int | float | str:
    if not abs(value) >= 10_000_000:
        return value
    text = f"{value:.0f}"
    if _PHONE_AS_NUMBER.fullmatch(text):
        return "[telepon]"
    masked = mask_text(text)
    return value if masked == text and abs(value) < 2**63 else masked


def _mask_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _mask_number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        value = bytes(value).decode("utf-8", "replace")
    return mask_text(str(value))


def mask_value(name: str, value: Any, depth: int = 0) -> Any:
    """Return ``value`` of a field called ``name`` masked, however deep it is nested (below 8 levels: as one text)."""
    hidden = _hidden_by_name(name, value)
    if hidden is not None:
        return hidden
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {mask_text(str(key)): mask_value(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [mask_value(name, item, depth + 1) for item in value]
    return _mask_scalar(value)


_OF_A_TRACE = re.compile(r"(?=[0-9]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32})")
"""A part of a line of trace ids; of digits alone it may be a NIK."""


def _is_of_a_trace(key: str, value: Any) -> bool:
    return key in {"span_id", "trace_id"} and isinstance(value, str) and _OF_A_TRACE.fullmatch(value) is not None


def mask_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a log event masked in keys and values; the ids of a span stay whole, though one may hold what looks like a phone number."""
    return {mask_text(k): v if _is_of_a_trace(k, v) else mask_value(k, v) for k, v in event.items()}
