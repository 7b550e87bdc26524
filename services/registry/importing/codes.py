"""Every code that an import can give, with its Indonesian reason. Listed for people in ``docs/import-codes.md``. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a code does: refuses the whole file or the row, warns about the row (a quality flag), or only tells."""

    FILE = "file"
    REFUSED = "refused"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Code:
    """One code. ``field`` names the column it speaks of (see ``header.FIELDS``), or ``None`` for the row or file."""

    name: str
    severity: Severity
    field: str | None
    reason: str


def _file(name: str, reason: str) -> Code:
    return Code(name, Severity.FILE, None, reason)


def _refused(name: str, field: str | None, reason: str) -> Code:
    return Code(name, Severity.REFUSED, field, reason)


def _warning(name: str, field: str | None, reason: str) -> Code:
    return Code(name, Severity.WARNING, field, reason)


_FILE_CODES = (
    _file("BERKAS_KOSONG", "Berkas kosong: tidak ada satu baris data pun."),
    _file("BERKAS_TERLALU_BESAR", "Berkas terlalu besar; paling besar 200 MB. Bagi menjadi beberapa berkas."),
    _file("BERKAS_TIDAK_DIKENAL", "Isi berkas bukan CSV dan bukan XLSX."),
    _file("BERKAS_RUSAK", "Berkas XLSX rusak atau tidak lengkap. Buka di Excel lalu simpan ulang sebagai .xlsx."),
    _file("ISI_TIDAK_SESUAI_NAMA", "Isi berkas tidak sesuai dengan nama berkas. Simpan ulang sebagai .csv atau .xlsx."),
    _file("XLS_LAMA", "Berkas berformat Excel lama (.xls). Simpan ulang sebagai .xlsx."),
    _file("TERKUNCI_SANDI", "Berkas terkunci dengan kata sandi. Simpan ulang tanpa kata sandi."),
    _file("BERMAKRO", "Berkas memuat makro. Simpan ulang sebagai .xlsx tanpa makro."),
    _file("BOM_ZIP", "Berkas XLSX mengembang jauh melebihi ukurannya (bom zip) dan tidak dibuka."),
    _file("XML_BERBAHAYA", "Berkas XLSX memuat deklarasi DOCTYPE atau ENTITY dan tidak dibuka."),
    _file("LEMBAR_TERLALU_BESAR", "Lembar kerja terlalu besar untuk dibaca sekaligus. Simpan sebagai CSV, atau bagi menjadi beberapa berkas."),
    _file("BANYAK_LEMBAR", "Lebih dari satu lembar kerja memuat data. Simpan tiap lembar sebagai berkas tersendiri, atau hapus lembar yang tidak dipakai."),
    _file("BARIS_TERLALU_PANJANG", "Ada baris yang lebih panjang dari 1 MB; berkas ini bukan tabel."),
    _file("SATU_KOLOM", "Hanya terbaca satu kolom: pemisah kolom tidak dikenali (titik koma, koma, tab, atau garis tegak)."),
    _file("JUDUL_TIDAK_DITEMUKAN", "Baris judul kolom tidak ditemukan: perlu paling sedikit kolom nama pemilik dan nama usaha."),
    _file("KUTIP_TIDAK_DITUTUP", "Ada tanda kutip yang tidak ditutup, sehingga baris sesudahnya ikut terbaca sebagai satu sel."),
)  # fmt: skip

_NIK_CODES = (
    _refused("NIK_SCIENTIFIC", "nik", "NIK rusak oleh Excel (berbentuk 6,47E+15). Ubah kolom menjadi teks lalu ketik ulang NIK."),
    _refused("NIK_ANGKA", "nik", "NIK tersimpan sebagai angka, sehingga angka terakhir tidak dapat dipercaya. Ubah kolom menjadi teks lalu ketik ulang NIK."),
    _refused("NIK_PANJANG", "nik", "NIK harus 16 angka."),
    _refused("NIK_BUKAN_ANGKA", "nik", "NIK memuat huruf atau tanda selain angka."),
    _refused("NIK_WILAYAH_TIDAK_SAH", "nik", "Enam angka pertama NIK bukan kode wilayah."),
    _refused("NIK_TANGGAL_TIDAK_SAH", "nik", "Tanggal lahir di dalam NIK tidak ada di kalender."),
    _refused("NIK_URUT_NOL", "nik", "Empat angka terakhir NIK tidak boleh 0000."),
    _warning("NIK_KOSONG", "nik", "NIK kosong; baris dicatat sebagai orang tersendiri."),
    _warning("NIK_PENGISI", "nik", "NIK hanya pengisi (misalnya 000…); dianggap kosong."),
    _warning("NIK_NAMA_BERBEDA", "owner_name", "NIK ini sudah dikenal dengan nama lain; nama yang tercatat dipertahankan."),
)  # fmt: skip

_TEXT_CODES = (
    _refused("NAMA_KOSONG", "owner_name", "Nama pemilik kosong."),
    _refused("HANYA_NAMA", "owner_name", "Baris hanya berisi nama, tanpa isi lain (misalnya tanda tangan di bawah tabel); bukan baris usaha."),
    _refused("NAMA_TIDAK_SAH", "owner_name", "Nama pemilik tidak memuat huruf."),
    _refused("NAMA_TERLALU_PANJANG", "owner_name", "Nama pemilik lebih dari 100 huruf."),
    _warning("NAMA_USAHA_KOSONG", "business_name", "Nama usaha kosong; dipakai nama pemilik."),
    _refused("NAMA_USAHA_TERLALU_PANJANG", "business_name", "Nama usaha lebih dari 100 huruf."),
    _refused("ALAMAT_TERLALU_PANJANG", "address", "Alamat lebih dari 500 huruf."),
    _refused("SEL_GALAT", None, "Sel berisi galat Excel (#N/A, #REF!, dan sejenisnya)."),
    _refused("SEL_MEMUAT_BARIS", None, "Satu sel memuat banyak baris; biasanya tanda kutip tidak ditutup."),
    _refused("KOLOM_BERGESER", None, "Baris memuat lebih banyak sel daripada judul; isi kolom bergeser."),
    _warning("KARAKTER_KENDALI", None, "Karakter kendali di dalam sel dibuang."),
    _warning("KARAKTER_RUSAK", None, "Ada huruf yang tidak terbaca karena penyandian berkas campur aduk."),
)  # fmt: skip

_PLACE_CODES = (
    _warning("KELURAHAN_KOSONG", "kelurahan", "Kelurahan kosong dan tidak disebut pada berkas."),
    _warning("KELURAHAN_TIDAK_DIKENAL", "kelurahan", "Kelurahan tidak ada dalam daftar 34 kelurahan Balikpapan."),
    _warning("KELURAHAN_KECAMATAN_TIDAK_COCOK", "kelurahan", "Kelurahan ini tidak berada di kecamatan yang ditulis."),
    _warning("KELURAHAN_LAIN", "kelurahan", "Usaha berada di kelurahan lain daripada kelurahan berkas."),
    _refused("BUKAN_WILAYAH_PETUGAS", "kelurahan", "Petugas kelurahan hanya dapat mengimpor usaha di kelurahannya sendiri."),
)  # fmt: skip

_CONTACT_CODES = (
    _warning("HP_SCIENTIFIC", "phone", "Nomor HP rusak oleh Excel (berbentuk 8,12E+10)."),
    _warning("HP_TIDAK_SAH", "phone", "Nomor HP tidak sah; dikosongkan."),
    _warning("EMAIL_TIDAK_SAH", "email", "Alamat surel tidak sah; dikosongkan."),
    _warning("NIB_FORMAT", "nib", "NIB harus 13 angka; isi ini bukan NIB dan dikosongkan."),
    _warning("NIB_GANDA", "nib", "NIB yang sama dipakai oleh orang lain."),
)  # fmt: skip

_MONEY_CODES = (
    _refused("MODAL_AMBIGU", "capital", "Nilai modal dapat dibaca lebih dari satu cara. Tulis lengkap, misalnya 1.500.000."),
    _refused("MODAL_TIDAK_SAH", "capital", "Nilai modal tidak terbaca sebagai rupiah."),
    _refused("MODAL_NEGATIF", "capital", "Nilai modal tidak boleh negatif."),
    _refused("MODAL_TERLALU_BESAR", "capital", "Nilai modal melebihi seribu triliun rupiah."),
    _refused("OMZET_AMBIGU", "sales", "Nilai omzet dapat dibaca lebih dari satu cara. Tulis lengkap, misalnya 36.000.000."),
    _refused("OMZET_TIDAK_SAH", "sales", "Nilai omzet tidak terbaca sebagai rupiah."),
    _refused("OMZET_NEGATIF", "sales", "Nilai omzet tidak boleh negatif."),
    _refused("OMZET_TERLALU_BESAR", "sales", "Nilai omzet melebihi seribu triliun rupiah."),
    _warning("KELAS_BERTENTANGAN", "sales", "Modal dan omzet menunjuk kelas usaha yang berbeda, atau kelas lain daripada yang tercatat."),
    _warning("KELAS_DILAPORKAN_BERBEDA", "reported_class", "Kelas yang dilaporkan berbeda dari kelas menurut modal atau omzet."),
    _warning("KELAS_DI_LUAR_PROGRAM", "sales", "Usaha besar; di luar program UMKM."),
)  # fmt: skip

_OTHER_CODES = (
    _warning("TANGGAL_TIDAK_SAH", "birth_date", "Tanggal lahir tidak ada di kalender; dikosongkan."),
    _warning("TANGGAL_AMBIGU", "birth_date", "Tanggal lahir dapat dibaca hari-bulan atau bulan-hari; dikosongkan."),
    _warning("TANGGAL_LAHIR_BEDA_NIK", "birth_date", "Tanggal lahir berbeda dari tanggal di dalam NIK."),
    _warning("TAHUN_TIDAK_SAH", "founded_year", "Tahun berdiri tidak masuk akal; dikosongkan."),
    _warning("TENAGA_KERJA_TIDAK_SAH", "workers", "Jumlah tenaga kerja tidak terbaca; dikosongkan."),
    _warning("KBLI_TIDAK_DIKENAL", "kbli", "Kode KBLI tidak ada dalam daftar 2020 maupun 2025; dikosongkan."),
    _warning("KBLI_VERSI_TIDAK_JELAS", "kbli", "Kode KBLI bermakna lain pada daftar 2020 dan 2025; dikosongkan."),
    _refused("BARIS_BERTENTANGAN", None, "Usaha yang sama sudah ada pada baris sebelumnya dengan isi yang berbeda."),
    _refused("PEMILIK_DIHAPUS", None, "Data pemilik ini sudah dihapus atas permintaannya. Bila ia datang kembali, daftarkan dahulu melalui petugas."),
    Code("USAHA_PINDAH", Severity.NOTE, "kelurahan", "Usaha ini sekarang tercatat di kelurahan lain; baris tidak diterapkan."),
    Code("USAHA_TIDAK_AKTIF", Severity.NOTE, None, "Usaha ini sudah ditutup, ditolak, atau digabung; baris tidak diterapkan."),
    Code("BARIS_GANDA", Severity.NOTE, None, "Baris ini sama dengan baris sebelumnya."),
    Code("MUNGKIN_GANDA", Severity.NOTE, None, "Usaha ini mungkin sama dengan usaha yang sudah tercatat; petugas yang memutuskan."),
)  # fmt: skip

CODES: dict[str, Code] = {
    code.name: code
    for group in (_FILE_CODES, _NIK_CODES, _TEXT_CODES, _PLACE_CODES, _CONTACT_CODES, _MONEY_CODES, _OTHER_CODES)
    for code in group
}
"""Name → code, in the order of the documentation."""

REFUSING: frozenset[str] = frozenset(name for name, code in CODES.items() if code.severity is Severity.REFUSED)
FLAGS: frozenset[str] = frozenset(name for name, code in CODES.items() if code.severity is Severity.WARNING)
"""Warnings: they become quality flags of the business or owner."""


class FileRefusedError(ValueError):
    """A file that is not read at all. ``code`` is of severity FILE; ``detail`` adds what was seen, in Indonesian."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = CODES[code]
        self.detail = detail
        super().__init__(self.reason)

    @property
    def reason(self) -> str:
        """The Indonesian sentence for the officer."""
        return f"{self.code.reason} {self.detail}".strip()
