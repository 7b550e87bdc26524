"""What people get of a check: the JSON form, and an XLSX report with one reason per cell, formulas neutralised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from services.registry.importing.codes import CODES, Severity
from services.registry.importing.header import Header
from services.registry.importing.reading import DELIMITER_NAMES, Table
from services.registry.importing.rows import CheckedRow, Result

RESULT_NAMES: dict[str, str] = {
    "new": "baru",
    "changed": "berubah",
    "same": "sama",
    "possible_duplicate": "mungkin ganda",
    "refused": "ditolak",
}
SEVERITY_NAMES: dict[Severity, str] = {
    Severity.FILE: "berkas ditolak",
    Severity.REFUSED: "ditolak",
    Severity.WARNING: "peringatan",
    Severity.NOTE: "catatan",
}
MAX_CELL = 1_000
_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-][\d][\d\s.,()/-]*", re.ASCII)


def neutralise(text: str) -> str:
    """Return ``text`` so that no spreadsheet reads it as a formula; phones (``+62812…``) and numbers (``-5``) stay."""
    if _FORMULA.match(text) is None or _NUMBER.fullmatch(text) is not None:
        return text
    return "'" + text


def totals_of(counts: Counter[Result]) -> dict[str, int]:
    """Return the totals: rows, and one number per result; they add up."""
    return {"rows": counts.total(), **{result.value: counts[result] for result in Result}}


def head_as_json(table: Table) -> dict[str, Any]:
    """Return what is known of a file before its rows."""
    return {
        "file": table.facts.path.name,
        "sha256": table.facts.sha256,
        "encoding": table.facts.encoding,
        "delimiter": DELIMITER_NAMES[table.delimiter] if table.delimiter is not None else None,
        "header_row": table.header.row,
    }


def row_as_json(row: CheckedRow) -> dict[str, Any]:
    """Return one row as ``naikkelas import check --json`` prints it."""
    owner, business = row.owner, row.business
    return {
        "row": row.number,
        "result": row.result.value,
        "codes": list(row.codes),
        "owner": {
            "name": owner.name,
            "nik": owner.nik,
            "phones": list(owner.phones),
            "birth_date": owner.birth_date.isoformat() if owner.birth_date is not None else None,
        },
        "business": {
            "name": business.name,
            "kelurahan": business.kelurahan,
            "nib": business.nib,
            "capital": business.capital,
            "sales": business.sales,
            "class": business.kelas.value,
            "address": business.address,
            "sector": business.sector,
        },
    }


class ReportLine(NamedTuple):
    """One line of the report: a row, the column a code speaks of, and the code."""

    number: int
    result: str
    column: str
    code: str


def lines_of(number: int, result: str, codes: Iterable[str], header: Header | None) -> Iterator[ReportLine]:
    """Give a line for each code of a row, refusals first."""
    for name in sorted(codes, key=lambda name: list(Severity).index(CODES[name].severity)):
        field = CODES[name].field
        column = "(baris)" if field is None else header.label(field) if header is not None else field
        yield ReportLine(number, result, column, name)


_COLUMNS = (("Baris", 8), ("Hasil", 14), ("Kolom", 24), ("Jenis", 14), ("Kode", 34), ("Alasan", 100))


def write_report(target: Path | BinaryIO, title: str, totals: dict[str, int], lines: Iterable[ReportLine]) -> int:
    """Write the report as XLSX, row by row in constant memory, and return the number of lines.

    The report names rows and columns but repeats no cell: it may be sent on, the personal data stays in the file.
    """
    import xlsxwriter  # a tenth of what the registry loads, and needed when somebody asks for a report

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    with xlsxwriter.Workbook(target if not isinstance(target, Path) else str(target), options) as book:
        bold = book.add_format({"bold": True})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("Hasil impor")
        for column, (_, width) in enumerate(_COLUMNS):
            sheet.set_column(column, column, width)
        sheet.write_string(0, 0, neutralise(title[:MAX_CELL]), bold)
        sheet.write_string(1, 0, _summary(totals))
        sheet.freeze_panes(4, 0)
        for column, (name, _) in enumerate(_COLUMNS):
            sheet.write_string(3, column, name, bold)
        for count, line in enumerate(lines, 1):
            code = CODES[line.code]
            sheet.write_number(count + 3, 0, line.number)
            texts = (RESULT_NAMES[line.result], line.column, SEVERITY_NAMES[code.severity], code.name, code.reason)
            for column, text in enumerate(texts, 1):
                sheet.write_string(count + 3, column, neutralise(text[:MAX_CELL]), wrapped if column == 5 else None)
    return count


def _summary(totals: dict[str, int]) -> str:
    parts = [f"{totals.get(key, 0)} {name}" for key, name in RESULT_NAMES.items()]
    return f"{totals.get('rows', 0)} baris: {', '.join(parts)}"
