"""A result per row: cells are cleaned column by column, then each row is judged. No input, no output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import blake2b
from itertools import repeat
from typing import Any, Generic, NamedTuple, TypeGuard, TypeVar

from services.registry.importing.cleaning import dates, money, nik, phone, rare, text
from services.registry.importing.cleaning.text import Cell, clean_text, is_empty, text_of
from services.registry.importing.codes import REFUSING
from services.registry.importing.memory import Memory
from services.registry.importing.reading import Chunk, Table
from services.registry.importing.rows import BusinessCells, CheckedRow, OwnerCells, Result
from services.registry.reference.classes import classify
from services.registry.reference.kbli import KbliVersion
from services.registry.reference.names import fold_name
from services.registry.reference.places import match_place
from services.registry.reference.sectors import match_sector
from shared.contracts.registry import UNKNOWN_PLACE, BusinessClass, ClassBasis

MAX_NAME = 100
MAX_ADDRESS = 500
MEMO_SIZE = 50_000
_LETTER = re.compile(r"[^\W\d_]")
_PLACE_CODES = {"missing": "KELURAHAN_KOSONG", "unknown": "KELURAHAN_TIDAK_DIKENAL", "mismatch": "KELURAHAN_KECAMATAN_TIDAK_COCOK"}  # fmt: skip
_WORKER_FIELDS = ("paid_men", "paid_women", "unpaid_men", "unpaid_women")
_OTHER_FIELDS = ("founded_year", "kbli", "email", "reported_class", *_WORKER_FIELDS)


class _Others(NamedTuple):
    """The columns that few files have, and what is wrong with them."""

    founded_year: int | None = None
    kbli: tuple[KbliVersion, str] | None = None
    email: str | None = None
    workers: tuple[int | None, int | None, int | None, int | None] | None = None
    reported: BusinessClass | None = None
    codes: tuple[str, ...] = ()


_NO_OTHERS = _Others()
_ALL_WELL = (None,) * 5

ValueT = TypeVar("ValueT")


class _Memo(dict[Any, ValueT], Generic[ValueT]):
    """Results of a pure function by argument: a spreadsheet says the same few things many times."""

    def __init__(self, function: Callable[[Any], ValueT]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: Any) -> ValueT:
        if len(self) >= MEMO_SIZE:
            self.clear()
        value = self[key] = self._function(key)
        return value

    def over(self, cells: Iterable[Any]) -> list[ValueT]:
        """Return the result for each cell."""
        return list(map(self.__getitem__, cells))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a check is told from outside.

    ``kelurahan``: whose file it is, for rows that name none. ``own_only``: rows of another kelurahan are refused.
    """

    today: date
    kelurahan: str | None = None
    own_only: bool = False


def _add(amount: money.Money, other: money.Money) -> money.Money:
    """Capital is the owner's own and borrowed money together; where one is not known, the other one counts."""
    if amount.problem or other.amount is None:
        return amount if amount.problem or other.problem is None else other
    return money.Money((amount.amount or 0) + other.amount, None)


def _add_money_codes(capital: money.Money, sales: money.Money, codes: list[str]) -> None:
    if capital.problem is not None:
        codes.append(f"MODAL_{capital.problem}")
    if sales.problem is not None:
        codes.append(f"OMZET_{sales.problem}")


def natural_key(*parts: str) -> bytes:
    """Return 16 bytes that stand for the parts, the same in every run."""
    return blake2b("\x1f".join(parts).encode(), digest_size=16, person=b"naikkelas").digest()


def _place(terms: Terms, names: tuple[str, str]) -> tuple[str, str | None]:
    """Return the place that kelurahan and kecamatan name, and what is wrong with it."""
    match = match_place(*names)
    if match.problem == "missing" and terms.kelurahan is not None:
        return terms.kelurahan, None
    if match.problem is not None:
        return match.code, _PLACE_CODES[match.problem]
    if terms.kelurahan in (None, match.code):
        return match.code, None
    return match.code, "BUKAN_WILAYAH_PETUGAS" if terms.own_only else "KELURAHAN_LAIN"


class Checker:
    """Judges the rows of one table, chunk by chunk, in the order of the file."""

    def __init__(self, table: Table, terms: Terms) -> None:
        self._columns = table.header.columns
        self._width = table.header.width
        self._terms = terms
        self.memory = Memory()
        order = self._date_order(table)
        today = terms.today
        self._dates = _Memo(lambda cell: dates.check_birth_date(cell, order, today))
        self._phones = _Memo(phone.check_phones)
        self._money = _Memo(money.check_money)
        # No memo holds a method of this object: in a cycle a file's memory would stay until a full collection.
        self._places = _Memo(partial(_place, terms))
        self._sectors = _Memo(match_sector)
        self._other: dict[str, _Memo[tuple[Any, str | None]]] = {
            "founded_year": _Memo(lambda cell: rare.check_year(cell, today)),
            "kbli": _Memo(rare.check_kbli),
            "email": _Memo(rare.check_email),
            "reported_class": _Memo(rare.check_reported_class),
            **{name: _Memo(rare.check_workers) for name in _WORKER_FIELDS},
        }
        self._month_year = _Memo(lambda day: f"{day:%m%y}")

    def _date_order(self, table: Table) -> dates.DateOrder:
        """Decide over the whole column whether its dates have the day first."""
        votes = dates.DateVotes()
        column = self._columns.get("birth_date")
        if column is not None:
            for cells in table.distinct_cells(column):
                votes.count(cells)
        return votes.decide()

    def _cells(self, columns: Sequence[Sequence[Cell]], name: str, count: int) -> Sequence[Cell]:
        index = self._columns.get(name)
        return columns[index] if index is not None and index < len(columns) else ("",) * count

    def _texts(self, columns: Sequence[Sequence[Cell]], name: str, count: int) -> Sequence[str]:
        cells = self._cells(columns, name, count)
        if _is_clean(cells):
            return cells
        return [cell if isinstance(cell, str) else text_of(cell) for cell in _stripped(cells)]

    def check(self, chunk: Chunk) -> list[CheckedRow]:
        """Return the rows of a chunk with their results, in order."""
        width, count = self._width, len(chunk.rows)
        rows = [row if len(row) == width else _fit(row, width) for row in chunk.rows]
        columns = list(zip(*rows, strict=True))
        texts = {name: self._texts(columns, name, count) for name in ("owner_name", "business_name", "address", "kelurahan", "kecamatan")}  # fmt: skip
        raw = {name: _stripped(self._cells(columns, name, count)) for name in ("nik", "nib", "phone", "birth_date", "capital", "sales")}  # fmt: skip
        places = self._places.over(zip(texts["kelurahan"], texts["kecamatan"], strict=True))
        judged = zip(
            chunk.numbers,
            self._row_codes(chunk.rows),
            texts["owner_name"],
            texts["business_name"],
            texts["address"],
            map(nik.check_nik, raw["nik"]),
            map(nik.check_nib, raw["nib"]),
            self._phones.over(raw["phone"]),
            self._dates.over(raw["birth_date"]),
            self._capitals(columns, raw["capital"], count),
            self._money.over(raw["sales"]),
            places,
            self._sectors.over(map(text_of, self._cells(columns, "sector", count))),
            self._others(columns, count),
            strict=True,
        )
        return [self._judge(*parts) for parts in judged]

    def _capitals(self, columns: Sequence[Sequence[Cell]], own: Sequence[Cell], count: int) -> list[money.Money]:
        amounts = self._money.over(own)
        if "capital_outside" not in self._columns:
            return amounts
        outside = self._money.over(_stripped(self._cells(columns, "capital_outside", count)))
        return [_add(amount, other) for amount, other in zip(amounts, outside, strict=True)]

    def _others(self, columns: Sequence[Sequence[Cell]], count: int) -> Iterator[_Others]:
        """Give the rarer columns of each row."""
        if not any(name in self._columns for name in _OTHER_FIELDS):
            return repeat(_NO_OTHERS, count)
        empty: list[tuple[Any, str | None]] = [(None, None)] * count
        parsed = [
            memo.over(self._cells(columns, name, count)) if name in self._columns else empty
            for name, memo in self._other.items()
        ]
        return map(_gather, zip(*parsed, strict=True))

    def _row_codes(self, rows: Sequence[Sequence[Cell]]) -> Iterator[list[str]]:
        """Give what is wrong with a row as a whole: shifted columns, runaway quotes, errors of Excel, odd signs."""
        width = self._width
        for row in rows:
            try:
                joined = "".join(row)  # type: ignore[arg-type]
            except TypeError:  # numbers and dates of XLSX
                joined = "".join([cell for cell in row if isinstance(cell, str)])
            codes: list[str] = []
            if joined.isprintable() and "#" not in joined and "\ufffd" not in joined and len(row) <= width:
                yield codes
                continue
            if len(row) > width and any(text_of(cell).strip() for cell in row[width:]):
                codes.append("KOLOM_BERGESER")
            if not joined.isprintable():
                if any(isinstance(cell, str) and cell.count("\n") > text.MAX_LINES_IN_CELL for cell in row):
                    codes.append("SEL_MEMUAT_BARIS")
                if text.has_control(joined):
                    codes.append("KARAKTER_KENDALI")
            if "\ufffd" in joined:
                codes.append("KARAKTER_RUSAK")
            if "#" in joined and any(cell in text.EXCEL_ERRORS for cell in row):
                codes.append("SEL_GALAT")
            yield codes

    def _judge(
        self,
        number: int,
        codes: list[str],
        name: str,
        business_name: str,
        address: str,
        checked_nik: nik.Checked,
        checked_nib: nik.Checked,
        phones: phone.Phones,
        birth: dates.Birth,
        capital: money.Money,
        sales: money.Money,
        place: tuple[str, str | None],
        sector: str,
        other: _Others,
    ) -> CheckedRow:
        found = (checked_nik.code, phones.code, birth.code, checked_nib.code, place[1])
        if found != _ALL_WELL:
            codes.extend(code for code in found if code is not None)
        _add_money_codes(capital, sales, codes)
        codes.extend(other.codes)
        if checked_nik.code == "NIK_PENGISI":
            codes.append("NIK_KOSONG")
        name, business_name = _names(name, business_name, address, codes)
        kelas, basis = self._class(capital.amount, sales.amount, other, codes)
        owner = OwnerCells(name, fold_name(name), checked_nik.value, birth.value, phones.numbers, other.email)
        business = BusinessCells(
            business_name,
            fold_name(business_name),
            None if is_empty(address) else address[:MAX_ADDRESS],
            place[0],
            sector,
            other.kbli,
            checked_nib.value,
            capital.amount,
            sales.amount,
            other.founded_year,
            kelas,
            basis,
            other.workers,
        )
        return self._conclude(number, codes, owner, business)

    def _class(
        self, capital: int | None, sales: int | None, other: _Others, codes: list[str]
    ) -> tuple[BusinessClass, ClassBasis | None]:
        found = classify(capital, sales, other.founded_year, self._terms.today)
        reported = other.reported
        if found.contradiction:
            codes.append("KELAS_BERTENTANGAN")
        if found.kelas is BusinessClass.BESAR:
            codes.append("KELAS_DI_LUAR_PROGRAM")
        if reported is not None and found.basis is None:
            return reported, ClassBasis.DILAPORKAN
        if reported is not None and reported is not found.kelas:
            codes.append("KELAS_DILAPORKAN_BERBEDA")
        return found.kelas, found.basis

    def _conclude(self, number: int, codes: list[str], owner: OwnerCells, business: BusinessCells) -> CheckedRow:
        memory, owner_nik = self.memory, owner.nik
        owner_key: bytes | None = None
        if owner_nik is None:
            owner_key = self._nameless_key(owner, business)
            person: object = owner_key
            key = natural_key("usaha", owner_key.hex(), business.name_key)
        else:
            person = owner_nik
            key = natural_key(owner_nik, business.name_key, business.kelurahan)
            if memory.name_differs(owner_nik, owner.name_key):
                codes.append("NIK_NAMA_BERBEDA")
            if owner.birth_date is not None and self._month_year[owner.birth_date] != owner_nik[8:12]:
                codes.append("TANGGAL_LAHIR_BEDA_NIK")
        if business.nib is not None and memory.nib_taken(business.nib, person):
            codes.append("NIB_GANDA")
        if not REFUSING.isdisjoint(codes):
            return CheckedRow(number, Result.REFUSED, tuple(codes), owner, business, key, owner_key)
        result = self._compare(key, owner, business, person, codes)
        return CheckedRow(number, result, tuple(codes), owner, business, key, owner_key)

    def _nameless_key(self, owner: OwnerCells, business: BusinessCells) -> bytes:
        """Return the key of a row without NIK: equal rows are told apart by their order, so none is merged."""
        base = natural_key(owner.name_key, business.name_key, business.kelurahan, *owner.phones, str(owner.birth_date))
        return natural_key("tanpa-nik", base.hex(), str(self.memory.occurrence(base)))

    def _compare(
        self, key: bytes, owner: OwnerCells, business: BusinessCells, person: object, codes: list[str]
    ) -> Result:
        earlier = self.memory.earlier_row(key, (owner[3:], business[2:]))
        if earlier == "different":
            codes.append("BARIS_BERTENTANGAN")
            return Result.REFUSED
        if earlier == "same":
            codes.append("BARIS_GANDA")
            return Result.SAME
        place = business.kelurahan if business.kelurahan != UNKNOWN_PLACE else ""
        if self.memory.looks_known(owner.name_key, owner.birth_date if place else None, place, owner.phones, person):
            codes.append("MUNGKIN_GANDA")
            return Result.POSSIBLE_DUPLICATE
        return Result.NEW


def _gather(parsed: tuple[tuple[Any, str | None], ...]) -> _Others:
    """Put the values and codes of the rarer columns together, in the order of ``_OTHER_FIELDS``."""
    year, kbli, email, reported, *workers = (value for value, _ in parsed)
    codes = dict.fromkeys(code for _, code in parsed if code is not None)
    counts = None if workers == [None] * 4 else (workers[0], workers[1], workers[2], workers[3])
    return _Others(year, kbli, email, counts, reported, tuple(codes))


def _fit(row: Sequence[Cell], width: int) -> list[Cell]:
    return [*row[:width], *([""] * (width - len(row)))]


def _is_clean(cells: Sequence[Cell]) -> TypeGuard[Sequence[str]]:
    """Tell whether a column is text throughout, without outer spaces and odd signs: one look at all of it."""
    try:
        joined = "|".join(cells)  # type: ignore[arg-type]
    except TypeError:
        return False
    return joined.isprintable() and not (" |" in joined or "| " in joined or joined[:1] == " " or joined[-1:] == " ")


def _stripped(cells: Sequence[Cell]) -> Sequence[Cell]:
    if _is_clean(cells):
        return cells
    return [
        (cell.strip() if cell.isprintable() else clean_text(cell)) if isinstance(cell, str) else cell for cell in cells
    ]


def _names(name: str, business_name: str, address: str, codes: list[str]) -> tuple[str, str]:
    """Return both names on one line each; adds what is wrong with them and with the address."""
    if "\n" in name or "\n" in business_name:
        name, business_name = " ".join(name.split()), " ".join(business_name.split())
    if is_empty(name):
        codes.append("NAMA_KOSONG")
    elif _LETTER.search(name) is None:
        codes.append("NAMA_TIDAK_SAH")
    if len(name) > MAX_NAME:
        codes.append("NAMA_TERLALU_PANJANG")
    if is_empty(business_name):
        codes.append("NAMA_USAHA_KOSONG")
        business_name = name
    elif len(business_name) > MAX_NAME:
        codes.append("NAMA_USAHA_TERLALU_PANJANG")
    if len(address) > MAX_ADDRESS:
        codes.append("ALAMAT_TERLALU_PANJANG")
    return name, business_name
