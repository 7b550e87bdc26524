"""How one type of fact is told: whom, by which template, with what of it. The tables are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RecipientKind(StrEnum):
    """Whom a message is for."""

    OWNER = "owner"
    OFFICER = "officer"


Params = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Notice:
    """How one type of fact is told. Owners hear of commands only, officers of what they imported."""

    kind: RecipientKind
    template: Callable[[Any], str]
    params: Params = lambda fact: {}
    origins: frozenset[str] = frozenset({"command"})


def to_owner(template: str, params: Params | None = None) -> Notice:
    """Return a notice to the owner that always has the same template."""
    return Notice(RecipientKind.OWNER, lambda fact: template, params or (lambda fact: {}))
