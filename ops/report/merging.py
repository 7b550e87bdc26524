"""Which business a merged record goes on as: the report counts both as one, as the office does since they were merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.clients import Clients
from shared.contracts.registry import BusinessStatus


@dataclass(frozen=True, slots=True)
class Merged:
    """The records that were merged into others, by the registry."""

    into: Mapping[str, str] = field(default_factory=dict)
    """Record → the one that it was merged into, which may have been merged again."""

    def counted_as(self, business_id: str) -> str:
        """Return the business that a record counts as: itself, or the one at the end of its merges."""
        seen: set[str] = set()
        # A list that was read while a merge was undone and done the other way round may lead back to where it began.
        while business_id in self.into and business_id not in seen:
            seen.add(business_id)
            business_id = self.into[business_id]
        return business_id


async def read_merged(clients: Clients) -> Merged:
    """Return what the registry has merged, at whatever time. Raises ``AnswerError``."""
    pages = clients.pages("registry", "/businesses", status=BusinessStatus.DIGABUNG.value)
    return Merged({item["id"]: item["merged_into"] async for item in pages if item["merged_into"] is not None})
