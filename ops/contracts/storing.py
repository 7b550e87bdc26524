"""Stored JSON Schemas of the contracts: one folder per type and major version, one file per revision.

A revision is added where a contract differs from its newest one. Stored ones are never changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX, Fact
from shared.contracts.schemas import document_of

SCHEMAS = Path(__file__).parents[2] / "tests" / "contracts" / "schemas"

Contracts = Mapping[str, type[Fact]]


def folder_of(type_name: str, root: Path = SCHEMAS) -> Path:
    """Return the folder of a type's revisions, for example ``business.registered.v1``."""
    return root / type_name.removeprefix(f"{TYPE_PREFIX}.")


def stored_types(root: Path = SCHEMAS) -> list[str]:
    """Return the types that have a stored revision."""
    return sorted(f"{TYPE_PREFIX}.{path.name}" for path in root.iterdir()) if root.is_dir() else []


def revisions(type_name: str, root: Path = SCHEMAS) -> list[dict[str, Any]]:
    """Return the stored documents of a type, oldest first."""
    paths = sorted(folder_of(type_name, root).glob("[0-9][0-9][0-9].json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def outdated(root: Path = SCHEMAS, contracts: Contracts = CONTRACTS) -> list[str]:
    """Return the types whose newest stored revision is not what the code says."""
    return [name for name, fact in contracts.items() if revisions(name, root)[-1:] != [document_of(fact)]]


def store(root: Path = SCHEMAS, contracts: Contracts = CONTRACTS) -> Iterator[Path]:
    """Store a new revision for each outdated type, and yield the file."""
    for name in outdated(root, contracts):
        folder = folder_of(name, root)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(revisions(name, root)) + 1:03}.json"
        text = json.dumps(document_of(contracts[name]), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        yield path
