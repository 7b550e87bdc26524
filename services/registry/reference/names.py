"""The folded key under which names are searched and compared; the typed name is kept as it is. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_APOSTROPHES = "'`´‘’‚‛ʹʻʼʽˈ′＇"  # all kinds seen in Nur'aini, Ma’ruf: deleted, not turned into spaces
_ASCII_MAP = {
    code: None if chr(code) in "'`" else chr(code).lower() if chr(code).isalnum() else " " for code in range(128)
}
_ASCII_TABLE = str.maketrans(_ASCII_MAP)
_LINES_TABLE = str.maketrans(_ASCII_MAP | {ord("\n"): "\n"})
_NO_LETTER = re.compile(r"[\W_]+")
_DELETE_APOSTROPHES = str.maketrans(dict.fromkeys(_APOSTROPHES))


def fold_name(name: str) -> str:
    """Return the search key of ``name``: lower case, no accents, apostrophes dropped, other signs as one space.

    Folding twice changes nothing; two spellings that differ in case, accents, apostrophes, punctuation or
    spaces have one key. Titles stay: who searches ``rahman`` finds ``h abd rahman`` by a word of it.
    """
    if name.isascii():
        return " ".join(name.translate(_ASCII_TABLE).split())
    return _fold_unicode(name)


def fold_names(names: Sequence[str]) -> list[str]:
    """Return the search key of each name: what ``fold_name`` returns, for a column at a fraction of the cost."""
    lines = "\n".join([name if name.isascii() else "" for name in names])
    if lines.count("\n") != len(names) - 1:  # no names, or one of several lines
        return [fold_name(name) for name in names]
    lines = lines.translate(_LINES_TABLE)
    while "  " in lines:
        lines = lines.replace("  ", " ")
    keys = lines.replace("\n ", "\n").replace(" \n", "\n").strip(" ").split("\n")
    for index, name in enumerate(names):
        if not name.isascii():
            keys[index] = _fold_unicode(name)
    return keys


def _fold_unicode(name: str) -> str:
    """Fold until nothing changes: case folding of a few letters brings out marks that decompose again."""
    while True:
        bare = name.translate(_DELETE_APOSTROPHES)
        parts = unicodedata.normalize("NFKD", bare).casefold()
        letters = "".join(sign for sign in parts if not unicodedata.combining(sign))
        folded = " ".join(_NO_LETTER.sub(" ", letters.translate(_DELETE_APOSTROPHES)).split())
        if folded == name:
            return folded
        name = folded
