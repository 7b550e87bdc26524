"""What becomes of a row: its cells as values, its result, its codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from services.registry.reference.kbli import KbliVersion
from shared.contracts.registry import BusinessClass, ClassBasis


class Result(StrEnum):
    """The result of a row; the totals of a file add up over them."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    REFUSED = "refused"


class OwnerCells(NamedTuple):
    """The owner that a row speaks of. ``name`` is as typed, without outer spaces."""

    name: str
    name_key: str
    nik: str | None
    birth_date: date | None
    phones: tuple[str, ...]
    email: str | None


class BusinessCells(NamedTuple):
    """The business that a row speaks of; money in whole rupiah, ``None`` where the cell says nothing."""

    name: str
    name_key: str
    address: str | None
    kelurahan: str
    sector: str
    kbli: tuple[KbliVersion, str] | None
    nib: str | None
    capital: int | None
    sales: int | None
    founded_year: int | None
    kelas: BusinessClass
    basis: ClassBasis | None
    workers: tuple[int | None, int | None, int | None, int | None] | None


class CheckedRow(NamedTuple):
    """One row of data with what was found. ``number`` is the row's number in the file, from 1.

    ``key`` is the natural key of the business and ``owner_key`` that of an owner without NIK: 16 bytes each, the same in
    every import of the same facts.
    """

    number: int
    result: Result
    codes: tuple[str, ...]
    owner: OwnerCells
    business: BusinessCells
    key: bytes
    owner_key: bytes | None


RowT = TypeVar("RowT", OwnerCells, BusinessCells, CheckedRow)


def making(kind: type[RowT]) -> Callable[[tuple[Any, ...]], RowT]:
    """Return what makes a ``kind`` of a tuple with all its fields in order, a column's worth at a time.

    Calling the class runs Python for each row, this does not; whoever calls it answers for number and order of fields.
    """
    return partial(tuple.__new__, kind)
