"""What a chunk of checked rows changes in the registry: pure, all that is known comes in as arguments.

Rules: a row adds what the registry does not know and changes what the file says otherwise; an empty cell says nothing.
Owners are only added to (phones, a missing birth date or e-mail), so that a file which is applied again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.registry.importing.codes import CODES, FLAGS
from services.registry.importing.rows import BusinessCells, CheckedRow, OwnerCells, Result
from services.registry.reference.classes import classify, contradicts
from services.registry.reference.sectors import UNKNOWN_SECTOR
from shared.contracts.registry import UNKNOWN_PLACE, BusinessClass
from shared.identifiers import id_of

MAX_PHONES = 5
PHONES_COMPARED = 2
"""Of an owner's phones; so many have an index."""
OWNER_FIELDS = frozenset({"nik", "owner_name", "phone", "email", "birth_date"})
CLOSED_STATES = frozenset({"ditolak", "tutup", "digabung"})
CONTRADICTION, OUTSIDE = "KELAS_BERTENTANGAN", "KELAS_DI_LUAR_PROGRAM"
_FLAG_OF: dict[str, str] = {name: name.lower() for name in CODES if name in FLAGS}
_OWNER_FLAGS = frozenset(name for name in _FLAG_OF if CODES[name].field in OWNER_FIELDS)
_FIELD_OF = {flag: CODES[name].field for name, flag in _FLAG_OF.items() if name not in _OWNER_FLAGS}

Workers = tuple[int | None, int | None, int | None, int | None]
Who = tuple[object, ...]
"""A name with a birth date and a place, or with a phone."""


class Alike(dict[Who, tuple[tuple[UUID, UUID], ...]]):
    """A business of the first person of whom something is true, with its owner, and one of the second person."""

    def note(self, who: Who, mine: tuple[UUID, UUID]) -> None:
        """Remember a business and its owner."""
        seen = self.setdefault(who, (mine,))
        if len(seen) == 1 and seen[0][1] != mine[1]:
            self[who] = (*seen, mine)

    def other(self, who: Who, owner_id: UUID) -> UUID | None:
        """Return a business of another person, or nothing."""
        for business_id, person in self.get(who, ()):
            if person != owner_id:
                return business_id
        return None


@dataclass(slots=True)
class Owner:
    """An owner of the chunk: one that is known (``version`` > 0), or one to be registered."""

    id: UUID
    version: int
    nik: str | None
    import_key: UUID | None
    name: str
    name_key: str
    birth_date: date | None
    phones: list[str]
    email: str | None
    flags: list[str]
    changed: bool = False

    @property
    def is_new(self) -> bool:
        """Tell whether the owner is to be registered."""
        return self.version == 0

    def take(self, cells: OwnerCells) -> bool:
        """Add what a row knows more; tell whether anything was added."""
        added = False
        for phone in cells.phones:
            if phone not in self.phones and len(self.phones) < MAX_PHONES:
                self.phones.append(phone)
                added = True
        if self.birth_date is None and cells.birth_date is not None:
            self.birth_date, added = cells.birth_date, True
        if self.email is None and cells.email is not None:
            self.email, added = cells.email, True
        self.changed = self.changed or added
        return added


@dataclass(slots=True)
class Business:
    """A business of the chunk as it will be. ``version`` is the one that is stored, 0 for a new one."""

    id: UUID
    version: int
    owners: tuple[UUID, ...]
    import_key: UUID | None
    cells: BusinessCells
    status: str
    flags: list[str]
    changed: tuple[str, ...] = ()
    workers_as_of: date | None = None
    duplicate_of: UUID | None = None
    ground: str = ""
    sealable: bool = True
    """The principal owner's key is there: not erased."""

    @property
    def facts(self) -> int:
        """How many facts this plan appends to the business."""
        if self.version == 0:
            return 2 if self.duplicate_of is not None else 1
        return bool(self.profile_changes) + ("workers" in self.changed)

    @property
    def profile_changes(self) -> tuple[str, ...]:
        """The changed fields that ``business.changed`` names; workers have a fact of their own."""
        return tuple(name for name in self.changed if name != "workers")


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry knows of the rows of a chunk."""

    owners: dict[str, Owner]
    """By NIK, or by the hex digits of the natural key for owners without one."""
    businesses: dict[bytes, Business]
    """By natural key."""
    by_owner: dict[UUID, list[Business]]
    """Businesses of known owners, for rows that no natural key finds."""
    lookalikes: dict[int, tuple[UUID, str]]
    """Row number → another person's business, and the ground."""
    nib_holders: dict[str, set[UUID]]
    erased: frozenset[str] = frozenset()
    """Persons, as in ``owners``, who were erased and did not come anew."""


@dataclass(slots=True)
class Outcome:
    """What became of a row."""

    number: int
    result: Result
    codes: tuple[str, ...]
    business_id: UUID | None = None


@dataclass(slots=True)
class Plan:
    """What a chunk changes."""

    outcomes: list[Outcome] = field(default_factory=list)
    new_owners: list[Owner] = field(default_factory=list)
    changed_owners: list[Owner] = field(default_factory=list)
    new_businesses: list[Business] = field(default_factory=list)
    changed_businesses: list[Business] = field(default_factory=list)
    keyed: list[tuple[Business, UUID]] = field(default_factory=list)
    """Businesses that were registered by hand, each with the natural key by which the next import finds it, whatever became of it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Of an import. ``day``: when its figures speak for a class; ``kelurahan``: where alone it may change something."""

    day: date
    kelurahan: str | None = None


def person_of(row: CheckedRow) -> str:
    """Return what identifies the owner of a row: the NIK, or the natural key of a row without one."""
    return row.owner.nik or (row.owner_key or b"").hex()


def is_applied(row: CheckedRow) -> bool:
    """Tell whether a row has an effect: neither refused nor a repetition inside its file."""
    return row.result is not Result.REFUSED and "BARIS_GANDA" not in row.codes


def flags_of(codes: Sequence[str], *, owner: bool) -> list[str]:
    """Return the quality flags that codes leave on the owner or on the business, sorted, lower case."""
    if not codes:
        return []  # nearly all rows
    return sorted({_FLAG_OF[code] for code in codes if code in _FLAG_OF and (code in _OWNER_FLAGS) is owner})


class Planner:
    """Plans one chunk, row by row. ``before``: who the rows of chunks were that may not be stored yet."""

    def __init__(self, known: Known, new_id: Callable[[], UUID], scope: Scope, before: Sequence[Alike] = ()) -> None:
        self._known = known
        self._scope = scope
        self._new_id = new_id
        self._owners = dict(known.owners)
        self._businesses = dict(known.businesses)
        self._before = before
        self._brought: dict[UUID, list[Business]] = {}
        self.alike = Alike()
        self.plan = Plan()

    def take(self, rows: Sequence[CheckedRow]) -> Plan:
        """Plan all rows and return the plan."""
        for row in rows:
            if is_applied(row):
                self._apply(row)
            else:
                known = self._businesses.get(row.key) if row.result is Result.SAME else None
                outcome = Outcome(row.number, row.result, row.codes, known.id if known else None)
                self.plan.outcomes.append(outcome)
        self.plan.changed_owners = [o for o in self._known.owners.values() if o.changed]
        return self.plan

    def _apply(self, row: CheckedRow) -> None:
        codes = [code for code in row.codes if code != "MUNGKIN_GANDA"] if row.codes else []
        stored = self._businesses.get(row.key) or self._by_hand(row)
        if person_of(row) in self._known.erased or (stored is not None and not stored.sealable):
            self.plan.outcomes.append(Outcome(row.number, Result.REFUSED, (*codes, "PEMILIK_DIHAPUS")))
            return
        if stored is not None and stored.status in CLOSED_STATES:
            codes.append("USAHA_TIDAK_AKTIF")
            self.plan.outcomes.append(Outcome(row.number, Result.SAME, tuple(codes), stored.id))
            return
        if stored is not None and self._is_elsewhere(stored, row):
            self.plan.outcomes.append(Outcome(row.number, Result.SAME, (*codes, "USAHA_PINDAH")))
            return
        owner, touched = self._owner(row, codes)
        if row.business.nib is not None:
            holders = self._known.nib_holders.get(row.business.nib)
            if holders is not None and holders != {owner.id} and "NIB_GANDA" not in codes:
                codes.append("NIB_GANDA")
        if stored is None:
            result, business = self._register(row, owner, codes)
        else:
            result, business = self._compare(stored, row, codes), stored
        if touched and result is Result.SAME:
            result = Result.CHANGED
        if touched or business.version == 0:
            self._note(owner, business)
        self._businesses[row.key] = business
        self.plan.outcomes.append(Outcome(row.number, result, tuple(codes), business.id))

    def _owner(self, row: CheckedRow, codes: list[str]) -> tuple[Owner, bool]:
        """Return the owner of a row, and whether the row adds something to a known one."""
        person = person_of(row)
        owner = self._owners.get(person)
        if owner is None:
            cells = row.owner
            key = None if row.owner_key is None else id_of(row.owner_key)
            owner = Owner(
                self._new_id(), 0, cells.nik, key, cells.name, cells.name_key, cells.birth_date, list(cells.phones),
                cells.email, flags_of(codes, owner=True),
            )  # fmt: skip
            self._owners[person] = owner
            self.plan.new_owners.append(owner)
            return owner, False
        if owner.name_key != row.owner.name_key and "NIK_NAMA_BERBEDA" not in codes:
            codes.append("NIK_NAMA_BERBEDA")
        added = owner.take(row.owner)
        return owner, added and not owner.is_new

    def _by_hand(self, row: CheckedRow) -> Business | None:
        """Return the business that an officer registered by hand with the same owner, name and kelurahan: one that is there still, if any."""
        owner, wanted = self._owners.get(person_of(row)), (row.business.name_key, row.business.kelurahan)
        found = [
            business
            for business in (self._known.by_owner.get(owner.id, ()) if owner else ())
            if business.sealable and (business.cells.name_key, business.cells.kelurahan) == wanted
        ]
        business = next((one for one in found if one.status not in CLOSED_STATES), found[0] if found else None)
        if business is not None and business.import_key is None:
            self.plan.keyed.append((business, id_of(row.key)))
        return business

    def _is_elsewhere(self, business: Business, row: CheckedRow) -> bool:
        """Tell whether a business was moved since a file named its place, or lies where this import may change nothing."""
        place = business.cells.kelurahan
        if row.business.kelurahan not in (place, UNKNOWN_PLACE):
            return True
        return self._scope.kelurahan is not None and place not in (self._scope.kelurahan, UNKNOWN_PLACE)

    def _register(self, row: CheckedRow, owner: Owner, codes: list[str]) -> tuple[Result, Business]:
        business = Business(
            self._new_id(), 0, (owner.id,), id_of(row.key), row.business, "diajukan", flags_of(codes, owner=False)
        )
        other = self._lookalike(row, owner, business)
        if other is not None:
            business.duplicate_of, business.ground = other
            codes.append("MUNGKIN_GANDA")
        self._brought.setdefault(owner.id, []).append(business)
        self.plan.new_businesses.append(business)
        return (Result.NEW if other is None else Result.POSSIBLE_DUPLICATE), business

    def _lookalike(self, row: CheckedRow, owner: Owner, business: Business) -> tuple[UUID, str] | None:
        """Return a business that may be the same: of the registry first, then of the chunks before and of this one."""
        found = self._known.lookalikes.get(row.number)
        if found is not None:
            return found
        for known in (*self._known.by_owner.get(owner.id, ()), *self._brought.get(owner.id, ())):
            if known.status not in CLOSED_STATES and known.cells.name_key == business.cells.name_key:
                return known.id, "nik_nama_usaha"
        (_, name_key, _, birth_date, phones, _), place = row.owner, business.cells.kelurahan
        wanted: list[tuple[Who, str]] = []
        if birth_date is not None and place != UNKNOWN_PLACE:
            wanted.append(((name_key, birth_date, place), "nama_tanggal_lahir_kelurahan"))
        wanted += [((name_key, phone), "telepon_nama") for phone in phones[:PHONES_COMPARED]]
        for alike in (*self._before, self.alike):
            for who, ground in wanted:
                if who in alike and (other := alike.other(who, owner.id)) is not None:
                    return other, ground
        return None

    def _note(self, owner: Owner, business: Business) -> None:
        """Remember under what later rows may be taken for this owner, as the registry will show it once it is stored."""
        mine, place = (business.id, owner.id), business.cells.kelurahan
        if owner.birth_date is not None and place != UNKNOWN_PLACE:
            self.alike.note((owner.name_key, owner.birth_date, place), mine)
        for phone in owner.phones[:PHONES_COMPARED]:
            self.alike.note((owner.name_key, phone), mine)

    def _compare(self, business: Business, row: CheckedRow, codes: list[str]) -> Result:
        if business.version == 0:
            return Result.SAME
        merged, changed = merge_cells(business.cells, row.business)
        if not changed:
            return Result.SAME
        business.cells = merged
        self._flag(business, changed, codes)
        if not business.changed:
            self.plan.changed_businesses.append(business)
        business.changed = tuple(dict.fromkeys((*business.changed, *changed)))
        return Result.CHANGED

    def _flag(self, business: Business, changed: Sequence[str], codes: list[str]) -> None:
        """Set the flags of a changed business: of what changed as the row has it, and of its class by all that is known now."""
        cells, day = business.cells, self._scope.day
        figures = (cells.capital, cells.sales, cells.founded_year)
        kept = {flag for flag in business.flags if _FIELD_OF.get(flag) not in changed}
        for code, holds in (
            (CONTRADICTION, contradicts(cells.kelas, *figures, day)),
            (OUTSIDE, classify(*figures, day).kelas is BusinessClass.BESAR),
        ):
            kept.discard(_FLAG_OF[code])
            if holds and code not in codes:
                codes.append(code)
            elif not holds and code in codes:
                codes.remove(code)
        business.flags = sorted({*kept, *flags_of(codes, owner=False)})


_COMPARED = ("address", "sector", "kbli", "nib", "capital", "sales", "founded_year", "workers")


def merge_cells(known: BusinessCells, told: BusinessCells) -> tuple[BusinessCells, tuple[str, ...]]:
    """Return the known cells with what the file says otherwise, and the names of what differs.

    The name stays as first typed (its folded key is the same), the place too (it is part of the key), and the class: it
    is never recomputed silently. Counts of workers are merged one by one.
    """
    changes: dict[str, object] = {}
    for name in _COMPARED:
        old, new = getattr(known, name), getattr(told, name)
        if name == "workers" and new is not None:
            new = _merge_workers(old, new)
        if new is not None and new != old and not (name == "sector" and new == UNKNOWN_SECTOR):
            changes[name] = new
    return (known._replace(**changes) if changes else known), tuple(changes)  # type: ignore[arg-type]


def _merge_workers(old: Workers | None, new: Workers) -> Workers:
    merged = [told if told is not None else had for told, had in zip(new, old or (None,) * 4, strict=True)]
    return (merged[0], merged[1], merged[2], merged[3])
