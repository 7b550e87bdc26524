"""Templates to texts. The first line of a template is its subject; the HTML part is made of the text's paragraphs.

Plain text is written as it is, HTML is escaped by ``jinja2``'s autoescape, and what people typed is cleaned before
either, so that a name can neither begin a header nor a tag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context

from services.notifications.domain.brief import SIGNATURE
from services.notifications.domain.text import SUBJECT_LENGTH, one_line
from services.notifications.handlers.wording import CAUSES, CLASSES, LICENCES, Words
from shared.wita import WITA, write_day, write_local, write_number

TEMPLATES = Path(__file__).parent.parent / "templates"

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
            "waktu_di": _moment_there,
            "kelas": _word(CLASSES),
            "izin": _word(LICENCES),
            "sebab": _word(CAUSES),
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


def without_frame(text: str) -> str:
    """Return the text of a message without its greeting and what stands below the dashes, as one part of a digest."""
    body, _, _ = text.partition(SIGNATURE)
    return body.partition("\n\n")[2].strip()


@pass_context
def _day(context: Context, value: str | date) -> str:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return write_day(day, context["language"])


@pass_context
def _moment(context: Context, value: str | datetime) -> str:
    """Return an aware instant as WITA, for example ``25 November 2026 pukul 10.30 WITA``."""
    return _moment_there(context, value, WITA.key)


@pass_context
def _moment_there(context: Context, value: str | datetime, zone: str) -> str:
    """Return an aware instant in a zone by its IANA name, for example ``25 November 2026 pukul 09.30 WIB``."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return write_local(zone, moment, context["language"])


def _word(words: Words) -> Callable[[Context, str], str]:
    """Return a filter that writes a code as people say it; one that has no word stays as it is, but for the underscores."""

    @pass_context
    def worded(context: Context, code: str) -> str:
        return words[context["language"]].get(code, code.replace("_", " "))

    return worded


@pass_context
def _number(context: Context, value: int) -> str:
    return write_number(value, context["language"])
