"""Privacy classes of contract fields, and the bases of the models that carry them.

Every field of a fact is annotated with exactly one class; a field without one fails the tests.
What another agency or the public may see is *derived* from these annotations.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from pydantic import BaseModel


class Privacy(StrEnum):
    """Who may read a field (UU 27/2022, art. 4 and 20)."""

    PUBLIC = "public"  # anyone
    AGENCY = "agency"  # an agency whose agreement grants it
    PERSONAL = "personal"  # sealed under the owner's key; needs an agreement with a legal basis
    SENSITIVE = "sensitive"  # never leaves the platform


PUBLIC = Privacy.PUBLIC
AGENCY = Privacy.AGENCY
PERSONAL = Privacy.PERSONAL
SENSITIVE = Privacy.SENSITIVE


@cache  # contracts do not change, and it is asked for every field of every event
def privacy_of(model: type[BaseModel], field: str) -> Privacy:
    """Return the privacy class of ``field``.

    Raises ``LookupError`` if the field carries none or more than one.
    """
    marks = [mark for mark in model.model_fields[field].metadata if isinstance(mark, Privacy)]
    if len(marks) != 1:
        raise LookupError(f"{model.__name__}.{field}: expected one privacy class, found {len(marks)}")
    return marks[0]
