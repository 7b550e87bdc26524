"""Contracts of the facts: one frozen model per fact and major version, each module published by one service.

``CONTRACTS`` maps each CloudEvents type to its model. Pure: no input, no output.
"""

from __future__ import annotations

from shared.contracts import (
    exhibitions,
    licensing,
    mentoring,
    organisations,
    partnership,
    progress,
    registry,
    training,
)
from shared.contracts.fact import Fact

_MODULES = (registry, progress, licensing, organisations, mentoring, training, exhibitions, partnership)


def _facts() -> dict[str, type[Fact]]:
    found: dict[str, type[Fact]] = {}
    for module in _MODULES:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Fact) and "NAME" in vars(value):
                found[value.type_name()] = value
    return found


CONTRACTS: dict[str, type[Fact]] = _facts()
"""CloudEvents type → model, every fact that the platform publishes."""
