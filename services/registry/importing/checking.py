"""A result per row: a chunk is cleaned column by column, then its rows are judged. No input, no output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

from services.registry.importing.cleaning import dates, money, nik, phone, rare
from services.registry.importing.cleaning.text import is_empty
from services.registry.importing.columns import Codes, Columns, Memo, add_row_codes, empty_among, longer_than, parted
from services.registry.importing.footer import Footers
from services.registry.importing.memory import Memory
from services.registry.importing.reading import Chunk, Table
from services.registry.importing.rows import BusinessCells, CheckedRow, OwnerCells, Result, making
from services.registry.reference.classes import classify
from services.registry.reference.kbli import KbliVersion
from services.registry.reference.names import fold_names
from services.registry.reference.places import match_place
from services.registry.reference.sectors import match_sector
from shared.contracts.registry import BusinessClass, ClassBasis

MAX_NAME = 100
MAX_ADDRESS = 500
_LETTER = re.compile(r"[^\W\d_]")
_PLACE_CODES = {"missing": "KELURAHAN_KOSONG", "unknown": "KELURAHAN_TIDAK_DIKENAL", "mismatch": "KELURAHAN_KECAMATAN_TIDAK_COCOK"}  # fmt: skip
_WORKER_FIELDS = ("paid_men", "paid_women", "unpaid_men", "unpaid_women")
_OTHER_FIELDS = ("founded_year", "kbli", "email", "reported_class", *_WORKER_FIELDS)
_owner_cells, _business_cells, _checked_row = making(OwnerCells), making(BusinessCells), making(CheckedRow)


class _Others(NamedTuple):
    """The columns that few files have."""

    founded_year: int | None
    kbli: tuple[KbliVersion, str] | None
    email: str | None
    workers: tuple[int | None, int | None, int | None, int | None] | None
    reported: BusinessClass | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a check is told from outside.

    ``kelurahan``: whose file it is, for rows that name none. ``own_only``: rows of another kelurahan are refused.
    """

    today: date
    kelurahan: str | None = None
    own_only: bool = False


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a chunk as values, column by column."""

    owners: list[OwnerCells]
    businesses: list[BusinessCells]
    contents: list[int]
    """A hash of what may differ where the natural key is the same: all but the names, the NIK and the place."""
    owner_keys: list[bytes | None]
    people: list[str | bytes]
    """The NIK, or the natural key of an owner without one."""
    keys: list[bytes]


def _add(amount: money.Money, other: money.Money) -> money.Money:
    """Capital is the owner's own and borrowed money together; where one is not known, the other one counts."""
    if amount.problem or other.amount is None:
        return amount if amount.problem or other.problem is None else other
    return money.Money((amount.amount or 0) + other.amount, None)


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
        self._footers = Footers(frozenset(self._columns[name] for name in ("number", "nik") if name in self._columns))
        self._terms = terms
        self.memory = Memory()
        order = self._date_order(table)
        today = terms.today
        self._dates = Memo(lambda cell: dates.check_birth_date(cell, order, today))
        self._phones = Memo(phone.check_phones)
        self._money = Memo(money.check_money)
        # No memo holds a method of this object: in a cycle a file's memory would stay until a full collection.
        self._places = Memo(partial(_place, terms))
        self._sectors = Memo(match_sector)
        self._other: dict[str, Memo[tuple[Any, str | None]]] = {
            "founded_year": Memo(lambda cell: rare.check_year(cell, today)),
            "kbli": Memo(rare.check_kbli),
            "email": Memo(rare.check_email),
            "reported_class": Memo(rare.check_reported_class),
            **{name: Memo(rare.check_workers) for name in _WORKER_FIELDS},
        }
        self._month_year = Memo(lambda day: f"{day:%m%y}")

    def _date_order(self, table: Table) -> dates.DateOrder:
        """Decide over the whole column whether its dates have the day first."""
        votes = dates.DateVotes()
        column = self._columns.get("birth_date")
        if column is not None:
            for cells in table.distinct_cells(column):
                votes.count(cells)
        return votes.decide()

    def check(self, chunk: Chunk) -> list[CheckedRow]:
        """Return the rows of a chunk with their results, in order."""
        if not chunk.rows:
            return []
        codes = Codes()
        columns = Columns(self._columns, self._width, chunk.rows)
        if not columns.is_plain() or max(map(len, chunk.rows)) > self._width:
            add_row_codes(codes, chunk.rows, self._width)
        rows = self._clean(chunk, columns, codes)
        self._compare_people(rows, codes)
        results = self._results(rows, codes)
        row_codes = codes.of_rows(len(results))
        parts = (chunk.numbers, results, row_codes, rows.owners, rows.businesses, rows.keys, rows.owner_keys)
        return list(map(_checked_row, zip(*parts, strict=True)))

    def _clean(self, chunk: Chunk, columns: Columns, codes: Codes) -> _Rows:
        """Clean the cells; codes are added in the order in which a row names them."""
        niks, nik_codes = nik.check_niks(columns.stripped("nik"))
        phones, phone_codes = parted(self._phones.over(columns.stripped("phone")))
        births, birth_codes = parted(self._dates.over(columns.stripped("birth_date")))
        nibs, nib_codes = nik.check_nibs(columns.stripped("nib"))
        villages = zip(columns.texts("kelurahan"), columns.texts("kecamatan"), strict=True)
        places, place_codes = parted(self._places.over(villages))
        for found in (nik_codes, phone_codes, birth_codes, nib_codes, place_codes):
            codes.add(found)
        capitals, sales = self._amounts(columns, codes)
        years, kblis, emails, workers, reported = self._others(columns, codes)
        codes.mark("NIK_KOSONG", [code == "NIK_PENGISI" for code in nik_codes])
        names, business_names, unnamed = _names(columns, codes)
        codes.mark("HANYA_NAMA", self._footers.among(chunk.numbers, chunk.rows, unnamed))
        addresses = _addresses(columns, codes)
        classes, bases = self._classes(capitals, sales, years, reported, codes)
        sectors = self._sectors.over(columns.raw_texts("sector"))
        persons = (births, phones, emails)
        told = (addresses, places, sectors, kblis, nibs, capitals, sales, years, classes, bases, workers)
        owners = list(map(_owner_cells, zip(names, fold_names(names), niks, *persons, strict=True)))
        businesses = list(map(_business_cells, zip(business_names, fold_names(business_names), *told, strict=True)))
        contents = list(map(hash, zip(*persons, *told, strict=True)))
        return _Rows(owners, businesses, contents, *self._keys(owners, businesses))

    def _amounts(self, columns: Columns, codes: Codes) -> tuple[Sequence[int | None], Sequence[int | None]]:
        """Return capital and sales in whole rupiah."""
        own = self._money.over(columns.stripped("capital"))
        if "capital_outside" in columns:
            outside = self._money.over(columns.stripped("capital_outside"))
            own = [_add(amount, other) for amount, other in zip(own, outside, strict=True)]
        capitals, capital_problems = parted(own)
        sales, sales_problems = parted(self._money.over(columns.stripped("sales")))
        for name, problems in (("MODAL", capital_problems), ("OMZET", sales_problems)):
            if any(problems):
                codes.add([problem and f"{name}_{problem}" for problem in problems])
        return capitals, sales

    def _others(self, columns: Columns, codes: Codes) -> tuple[Sequence[Any], ...]:
        """Return the rarer columns, in the order of ``_Others``."""
        if not any(name in columns for name in _OTHER_FIELDS):
            return ((None,) * columns.count,) * len(_Others._fields)
        empty: list[tuple[Any, str | None]] = [(None, None)] * columns.count
        parsed = [memo.over(columns.cells(name)) if name in columns else empty for name, memo in self._other.items()]
        others: list[_Others] = []
        for index, cells in enumerate(zip(*parsed, strict=True)):
            others.append(_gather(cells))
            codes.extend(index, dict.fromkeys(code for _, code in cells if code is not None))
        return tuple(zip(*others, strict=True))

    def _classes(
        self,
        capitals: Sequence[int | None],
        sales: Sequence[int | None],
        years: Sequence[int | None],
        reported: Sequence[BusinessClass | None],
        codes: Codes,
    ) -> tuple[list[BusinessClass], list[ClassBasis | None]]:
        """Return class and basis: what the figures say, else what the row claims."""
        today = self._terms.today
        found = [classify(*figures, today) for figures in zip(capitals, sales, years, strict=True)]
        classes, bases = [one.kelas for one in found], [one.basis for one in found]
        codes.mark("KELAS_BERTENTANGAN", [one.contradiction for one in found])
        codes.mark("KELAS_DI_LUAR_PROGRAM", [kelas is BusinessClass.BESAR for kelas in classes])
        if any(reported):
            for index, claimed in enumerate(reported):
                if claimed is not None and bases[index] is None:
                    classes[index], bases[index] = claimed, ClassBasis.DILAPORKAN
                elif claimed is not None and claimed is not classes[index]:
                    codes.extend(index, ("KELAS_DILAPORKAN_BERBEDA",))
        return classes, bases

    def _keys(
        self, owners: list[OwnerCells], businesses: list[BusinessCells]
    ) -> tuple[list[bytes | None], list[str | bytes], list[bytes]]:
        """Return the natural keys of owners without NIK, who is the person, and the natural keys of businesses."""
        owner_keys: list[bytes | None] = [None] * len(owners)
        people: list[str | bytes] = []
        keys: list[bytes] = []
        for index, (owner, business) in enumerate(zip(owners, businesses, strict=True)):
            if owner.nik is None:
                owner_key = owner_keys[index] = self._nameless_key(owner, business)
                people.append(owner_key)
                keys.append(natural_key("usaha", owner_key.hex(), business.name_key))
            else:
                people.append(owner.nik)
                keys.append(natural_key(owner.nik, business.name_key, business.kelurahan))
        return owner_keys, people, keys

    def _nameless_key(self, owner: OwnerCells, business: BusinessCells) -> bytes:
        """Return the key of a row without NIK: equal rows are told apart by their order, so none is merged."""
        base = natural_key(owner.name_key, business.name_key, business.kelurahan, *owner.phones, str(owner.birth_date))
        return natural_key("tanpa-nik", base.hex(), str(self.memory.occurrence(base)))

    def _compare_people(self, rows: _Rows, codes: Codes) -> None:
        """Add what does not agree with earlier rows, or with the NIK itself."""
        memory, month_year = self.memory, self._month_year
        codes.mark("NIK_NAMA_BERBEDA", memory.names_differ(rows.owners))
        codes.mark(
            "TANGGAL_LAHIR_BEDA_NIK",
            [
                nik is not None and birth is not None and month_year[birth] != nik[8:12]
                for _, _, nik, birth, _, _ in rows.owners
            ],
        )
        codes.mark("NIB_GANDA", memory.nibs_taken([business.nib for business in rows.businesses], rows.people))

    def _results(self, rows: _Rows, codes: Codes) -> list[Result]:
        """Compare the rows that nothing refuses with earlier ones; return the results of all."""
        refused = codes.refused()
        passed = [index for index in range(len(rows.keys)) if index not in refused]
        results, new = [Result.REFUSED] * len(rows.keys), []
        earlier = self.memory.earlier_rows([rows.keys[i] for i in passed], [rows.contents[i] for i in passed])
        for index, stood in zip(passed, earlier, strict=True):
            if stood is None:
                new.append(index)
            elif stood == "same":
                results[index] = Result.SAME
                codes.extend(index, ("BARIS_GANDA",))
            else:
                codes.extend(index, ("BARIS_BERTENTANGAN",))
        known = self.memory.look_known(
            [rows.people[i] for i in new], [rows.owners[i] for i in new], [rows.businesses[i].kelurahan for i in new]
        )
        for index, is_known in zip(new, known, strict=True):
            results[index] = Result.POSSIBLE_DUPLICATE if is_known else Result.NEW
            if is_known:
                codes.extend(index, ("MUNGKIN_GANDA",))
        return results


def _gather(cells: tuple[tuple[Any, str | None], ...]) -> _Others:
    """Put the values of the rarer columns together, which come in the order of ``_OTHER_FIELDS``."""
    year, kbli, email, reported, *workers = (value for value, _ in cells)
    counts = None if workers == [None] * 4 else (workers[0], workers[1], workers[2], workers[3])
    return _Others(year, kbli, email, counts, reported)


def _names(columns: Columns, codes: Codes) -> tuple[Sequence[str], Sequence[str], Sequence[bool]]:
    """Return the names of owners and businesses on one line each, and who names no business; adds what is wrong with them."""
    names, shops = columns.texts("owner_name"), columns.texts("business_name")
    if "\n" in "".join(names) or "\n" in "".join(shops):
        lines = [_on_one_line(*pair) for pair in zip(names, shops, strict=True)]
        names, shops = parted(lines)
    codes.mark("NAMA_KOSONG", empty_among(names))
    codes.mark("NAMA_TIDAK_SAH", [not (name[:1].isalpha() or is_empty(name) or _LETTER.search(name)) for name in names])
    codes.mark("NAMA_TERLALU_PANJANG", longer_than(MAX_NAME, names))
    unnamed = empty_among(shops)
    codes.mark("NAMA_USAHA_KOSONG", unnamed)
    if any(unnamed):
        shops = ["" if nothing else shop for shop, nothing in zip(shops, unnamed, strict=True)]
    codes.mark("NAMA_USAHA_TERLALU_PANJANG", longer_than(MAX_NAME, shops))
    shops = [shop or name for shop, name in zip(shops, names, strict=True)] if any(unnamed) else shops
    return names, shops, unnamed


def _on_one_line(name: str, business_name: str) -> tuple[str, str]:
    if "\n" in name or "\n" in business_name:
        return " ".join(name.split()), " ".join(business_name.split())
    return name, business_name


def _addresses(columns: Columns, codes: Codes) -> Sequence[str | None]:
    """Return the addresses, ``None`` where nothing is said; adds which are too long."""
    typed = columns.texts("address")
    codes.mark("ALAMAT_TERLALU_PANJANG", longer_than(MAX_ADDRESS, typed))
    return [None if is_empty(address) else address[:MAX_ADDRESS] for address in typed]
