"""What a file is, decided over all of its bytes in bounded memory: kind, SHA-256, encoding; or one refusal."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from services.registry.importing.codes import FileRefusedError

MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
BLOCK = 1024 * 1024

CSV_SUFFIXES = frozenset({".csv", ".txt", ".tsv"})
XLSX_SUFFIXES = frozenset({".xlsx"})

Kind = Literal["csv", "xlsx"]

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x1f\x8b",
    b"{\\rtf",
    b"\x7fELF",
    b"MZ\x90",
)
_MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file before a row is read. ``encoding`` is Python's name, ``None`` for XLSX."""

    path: Path
    kind: Kind
    sha256: str
    size: int
    encoding: str | None
    repaired: bool
    """The encoding does not fit every byte: unreadable signs come out as U+FFFD."""


def examine(path: Path, name: str | None = None) -> FileFacts:
    """Read the file once and tell what it is. ``name`` is the name it was sent under, if not its own.

    Raises ``FileRefusedError`` for a file that cannot be a table, ``OSError`` if it cannot be read.
    """
    size = path.stat().st_size
    suffix = Path(name or path.name).suffix.lower()
    if size == 0:
        raise FileRefusedError("BERKAS_KOSONG")
    if size > MAX_FILE_BYTES:
        raise FileRefusedError("BERKAS_TERLALU_BESAR", f"Ukuran berkas ini {size / 1024 / 1024:.0f} MB.")
    with path.open("rb") as file:
        head = file.read(65_536)
    kind = _kind(head, suffix, path)
    if kind == "xlsx":
        return FileFacts(path, "xlsx", _digest(path), size, None, repaired=False)
    digest, encoding, repaired = _read_text(path, head)
    return FileFacts(path, "csv", digest, size, encoding, repaired)


def _kind(head: bytes, suffix: str, path: Path) -> Kind:
    if head.startswith(_ZIP):
        if suffix in CSV_SUFFIXES:
            raise FileRefusedError("ISI_TIDAK_SESUAI_NAMA", "Isinya XLSX atau ZIP.")
        return "xlsx"
    if head.startswith(_OLE):
        raise FileRefusedError("TERKUNCI_SANDI" if _is_encrypted(path) else "XLS_LAMA")
    if suffix in XLSX_SUFFIXES:
        raise FileRefusedError("ISI_TIDAK_SESUAI_NAMA", "Isinya bukan XLSX.")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:16].lower()
    if head.startswith(_FOREIGN) or start.startswith(_MARKUP):
        code = "ISI_TIDAK_SESUAI_NAMA" if suffix in CSV_SUFFIXES else "BERKAS_TIDAK_DIKENAL"
        raise FileRefusedError(code, "Isinya bukan tabel teks.")
    return "csv"


def _is_encrypted(path: Path) -> bool:
    """Tell whether an OLE container holds an encrypted workbook: its stream is named in the directory, in UTF-16."""
    marker = "EncryptedPackage".encode("utf-16-le")
    tail = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if marker in tail + block:
                return True
            tail = block[-len(marker) :]
    return False


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _wide_without_mark(head: bytes) -> str | None:
    """Return the UTF-16 form that the zero bytes of mostly Latin text point to, or ``None``."""
    half = len(head) // 2
    if half < 8:
        return None
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd * 10 > half * 3 and even * 20 < half:
        return "utf-16-le"
    if even * 10 > half * 3 and odd * 20 < half:
        return "utf-16-be"
    return None


def _read_text(path: Path, head: bytes) -> tuple[str, str, bool]:
    """Return SHA-256, encoding, and whether it leaves unreadable bytes; every byte is looked at."""
    mark = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _wide_without_mark(head)
    if mark is None and head.count(0) * 100 > len(head):
        raise FileRefusedError("BERKAS_TIDAK_DIKENAL", "Isinya data biner.")
    digest = sha256()
    decoder = codecs.getincrementaldecoder(mark or "utf-8")("strict")
    valid, since_newline = True, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            since_newline = _line_guard(block, since_newline)
            valid = valid and _decodes(decoder, block)
    valid = valid and _decodes(decoder, b"", final=True)
    if mark is not None:
        return digest.hexdigest(), mark, not valid
    if valid:
        return digest.hexdigest(), "utf-8", False
    encoding, repaired = _choose_legacy(path)
    return digest.hexdigest(), encoding, repaired


def _line_guard(block: bytes, since_newline: int) -> int:
    last = max(block.rfind(b"\n"), block.rfind(b"\r"))
    first = min((at for at in (block.find(b"\n"), block.find(b"\r")) if at >= 0), default=len(block))
    if since_newline + first > MAX_LINE_BYTES:
        raise FileRefusedError("BARIS_TERLALU_PANJANG")
    return since_newline + len(block) if last < 0 else len(block) - last - 1


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _choose_legacy(path: Path) -> tuple[str, bool]:
    """Choose for a file that is not clean UTF-8: Windows-1252, unless nearly all of its odd bytes are UTF-8 all the same."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = letters = undefined = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            text = decoder.decode(block)
            bad = text.count("\ufffd")
            broken += bad
            letters += len(text) - len(text.encode("ascii", "ignore")) - bad
            undefined += sum(block.count(code) for code in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"))
    if letters > 10 * broken:
        return "utf-8", True
    return "cp1252", undefined > 0
