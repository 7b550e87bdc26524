"""Templates to texts. The first line of a template is its subject; the HTML part is made of the text's paragraphs.

Plain text is written as it is, HTML is escaped by ``jinja2``'s autoescape, and what people typed is cleaned before
either, so that a name can neither begin a header nor a tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context

from services.notifications.domain.text import SUBJECT_LENGTH, one_line
from shared.wita import MONTHS, WITA, write_moment

TEMPLATES = Path(__file__).parent.parent / "templates"

_MONTHS = {
    "id": MONTHS,
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
_CLASSES = {
    "id": {"tidak_diketahui": "belum diketahui", "besar": "usaha besar"},
    "en": {"tidak_diketahui": "not known", "mikro": "micro", "kecil": "small", "menengah": "medium", "besar": "large"},
}
_NO_PLACE = {"id": "kelurahan belum diketahui", "en": "kelurahan not known"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as text and as HTML; the subject is one line."""

    subject: str
    text: str
    html: str


class Renderer:
    """Renders messages in Indonesian and English."""

    def __init__(self, kelurahan: Mapping[str, str]) -> None:
        """``kelurahan`` tells the names of places by their codes."""
        self._kelurahan = kelurahan
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            keep_trailing_newline=False,
        )
        self._environment.filters |= {
            "tanggal": _day,
            "waktu": _moment,
            "kelas": _class,
            "angka": _number,
            "kelurahan": self._place,
        }

    def render(self, template: str, language: str, values: Mapping[str, Any]) -> Rendered:
        """Return the message. Raises ``jinja2.TemplateError`` if a value is missing."""
        plain = self._environment.get_template(f"{language}/{template}.txt").render(language=language, **values)
        subject, _, body = plain.partition("\n")
        subject, body = one_line(subject, SUBJECT_LENGTH), body.strip()
        paragraphs = [part.splitlines() for part in body.split("\n\n")]
        html = self._environment.get_template("layout.html").render(
            language=language, subject=subject, paragraphs=paragraphs
        )
        return Rendered(subject, body + "\n", html)

    @pass_context
    def _place(self, context: Context, code: str) -> str:
        return self._kelurahan.get(code, _NO_PLACE[context["language"]])


@pass_context
def _day(context: Context, value: str | date) -> str:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{day.day} {_MONTHS[context['language']][day.month - 1]} {day.year}"


@pass_context
def _moment(context: Context, value: str | datetime) -> str:
    """Return an aware instant as WITA, for example ``25 November 2026 pukul 10.30 WITA``."""
    moment = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(WITA)
    if context["language"] == "id":
        return write_moment(moment)
    return f"{_day(context, moment.date())} at {moment:%H:%M} WITA (UTC+8)"


@pass_context
def _class(context: Context, value: str) -> str:
    return _CLASSES[context["language"]].get(value, value)


@pass_context
def _number(context: Context, value: int) -> str:
    grouped = f"{value:,}"
    return grouped.replace(",", ".") if context["language"] == "id" else grouped
