"""A message made short enough for a telephone: one line, without salutations' blank lines and without the signature."""

from __future__ import annotations

from services.notifications.domain.text import one_line

SIGNATURE = "\n--\n"
"""What stands between the text of a mail and its signature, by an old custom that the templates keep."""
_PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
        "ʼ": "'",
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "•": "-",
    }
)
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = frozenset("^{}\\[~]|€")
"""Signs that take two places (3GPP TS 23.038, 6.2.1.1)."""
SMS_PLACES, SMS_PLACES_UNICODE = 3 * 153, 3 * 67
"""Three SMS joined into one: each gives some places to the joining (3GPP TS 23.040, 9.2.3.24.1)."""
WHATSAPP_TEXT = 700
"""Characters: a template's body has 1,024 with its fixed words and its subject (at most 150)."""


def body_of(text: str) -> str:
    """Return the text of a mail as one line, without its signature."""
    return one_line(text.partition(SIGNATURE)[0])


def whatsapp_text(text: str) -> str:
    """Return what a template's parameter may hold: no line break, no tab, no run of blanks; cut if it is too long."""
    return one_line(text.partition(SIGNATURE)[0], WHATSAPP_TEXT)


def sms_text(subject: str, text: str, link: str | None = None) -> str:
    """Return subject and text for at most three joined SMS; a link is never cut."""
    end = f" {link}" if link else ""
    whole = one_line(f"{subject}. {body_of(text)}".translate(_PLAIN))
    places = SMS_PLACES if set(whole + end) <= _GSM | _GSM_DOUBLE else SMS_PLACES_UNICODE
    if _taken(whole + end) <= places:
        return whole + end
    room = max(places - _taken(end) - 3, 0)
    whole = whole[:room]
    while _taken(whole) > room:
        whole = whole[:-1]
    return f"{whole.rstrip()}...{end}"


def _taken(text: str) -> int:
    """Return how many places a text takes; outside the GSM alphabet a sign beyond the first plane takes two as well."""
    if set(text) <= _GSM | _GSM_DOUBLE:
        return len(text) + sum(sign in _GSM_DOUBLE for sign in text)
    return len(text.encode("utf-16-be")) // 2
