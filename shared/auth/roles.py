"""Who calls: roles, and the principal that a token speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.problems import standard


class Role(StrEnum):
    """What a caller may be. A route names those that it lets in."""

    PETUGAS_KELURAHAN = "petugas_kelurahan"  # officer of one kelurahan, for that one only
    PETUGAS_DINAS = "petugas_dinas"  # officer of the city's UMKM office
    KURATOR = "kurator"  # curates applications to bazaars
    PENDAMPING = "pendamping"  # mentor of businesses
    OPERATOR = "operator"  # runs the platform
    LAYANAN = "layanan"  # another service
    INSTANSI = "instansi"  # another agency, under an agreement


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request."""

    sub: str
    roles: frozenset[Role]
    """Those of the token that the route lets in: no handler can grant by another one."""
    kelurahan: str | None = None
    """Code of the kelurahan that the officer belongs to."""
    email: str | None = None
    agency: str | None = None
    """Code of the agency that the token was given to."""
    confined: bool = False
    """Set by the route's rule: let in only as officer of a kelurahan."""

    @property
    def scope(self) -> str | None:
        """Code of the only kelurahan this caller may see and change here; None: no such limit."""
        return self.kelurahan if self.confined else None

    def may_act_in(self, kelurahan: str) -> bool:
        """Tell whether this caller may act on something of this kelurahan."""
        return not self.confined or (self.kelurahan is not None and self.kelurahan == kelurahan)

    def require_kelurahan(self, kelurahan: str) -> None:
        """Raise the 403 problem if something of this kelurahan is not this caller's to see or change."""
        if not self.may_act_in(kelurahan):
            raise standard(403, "Data ini milik kelurahan lain.")
