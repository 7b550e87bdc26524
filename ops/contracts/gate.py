"""The gate: what the contracts of the code change of what is stored, and whether that may be published.

A contract is compared with its newest stored revision: what is compatible with that is compatible with those before it too,
because each was let through by this gate. The examples of all revisions are read, because a model may ask for more than its
schema says, and events of every revision are in the topics for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ops.contracts.comparing import BOTH, NEW, NEXT_MAJOR, Change, differences
from ops.contracts.storing import SCHEMAS, Contracts, revisions, store, stored_types
from shared.contracts import CONTRACTS
from shared.contracts.fact import Fact
from shared.contracts.schemas import document_of

KEEP_MODEL = "Keep its model: its events stay in the topic, and what is made anew from them reads them. Stop publishing it instead."


@dataclass(frozen=True, slots=True)
class Finding:
    """A change of one type, with the stored revisions that it is a change of; none for a type that is new."""

    type: str
    revisions: tuple[int, ...]
    change: Change

    def sentence(self) -> str:
        """Return all of it in a line, for example for standard error."""
        since = f" [of revision {', '.join(map(str, self.revisions))}]" if self.revisions else ""
        whom = f". Breaks {' and '.join(self.change.breaks)}. {self.change.advice}" if self.change.breaks else ""
        return f"{self.type}: {self.change.sentence()}{since}{whom}"

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        change = self.change
        return {
            "type": self.type,
            "revisions": list(self.revisions),
            "field": change.path or None,
            "change": change.what,
            "breaks": [item.name.lower() for item in change.breaks],
            "advice": change.advice or None,
        }


class IncompatibleContractError(ValueError):
    """Contracts that may not be published under their major version; the message has a line for each reason."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(finding.sentence() for finding in findings))
        self.findings = findings


def findings_of(fact: type[Fact], root: Path = SCHEMAS) -> list[Finding]:
    """Return what the model of ``fact`` changes of its newest stored revision, and of what it cannot read of any."""
    stored = list(enumerate(revisions(fact.type_name(), root), 1))
    if not stored:
        return [Finding(fact.type_name(), (), Change("", _arrival(fact)))]
    number, newest = stored[-1]
    found = {change: [number] for change in differences(newest, document_of(fact))}
    told = any(change.breaks for change in found)
    for number, document in () if told else stored:
        for change in _unreadable(fact, document):
            found.setdefault(change, []).append(number)
    return [Finding(fact.type_name(), tuple(numbers), change) for change, numbers in found.items()]


def _arrival(fact: type[Fact]) -> str:
    return "the event type is new" if fact.MAJOR == 1 else f"major version {fact.MAJOR} is new"


def _unreadable(fact: type[Fact], document: dict[str, Any]) -> Iterator[Change]:
    """Yield what the model cannot read of the stored examples: it may ask for more than its schema says."""
    parts = [(fact, document["examples"])]
    if fact.PERSONAL is not None and "x-personal" in document:
        parts.append((fact.PERSONAL, document["x-personal"]["examples"]))  # type: ignore[arg-type]
    for model, examples in parts:
        for old in examples:
            try:
                model.model_validate(old)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                yield Change(where, f"the model cannot read the stored example ({first['type']})", NEW, NEXT_MAJOR)


def all_findings(root: Path = SCHEMAS, contracts: Contracts = CONTRACTS) -> list[Finding]:
    """Return what the code changes, type by type; types that are gone come last."""
    found = [finding for fact in contracts.values() for finding in findings_of(fact, root)]
    gone = [name for name in stored_types(root) if name not in contracts]
    return found + [Finding(name, (), Change("", "the event type is gone", BOTH, KEEP_MODEL)) for name in gone]


def refused(findings: list[Finding]) -> list[Finding]:
    """Return those that break somebody."""
    return [finding for finding in findings if finding.change.breaks]


def incompatibilities(fact: type[Fact], root: Path = SCHEMAS) -> list[str]:
    """Return why the model is another major version than what is stored, a sentence each."""
    return [finding.sentence() for finding in refused(findings_of(fact, root))]


def release(root: Path = SCHEMAS, contracts: Contracts = CONTRACTS) -> list[Path]:
    """Store what changed and return the files written. Raises ``IncompatibleContractError``, and then writes nothing."""
    if found := refused(all_findings(root, contracts)):
        raise IncompatibleContractError(found)
    return list(store(root, contracts))
