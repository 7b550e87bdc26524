"""Codes and months as people say them, in the languages of the messages."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.exhibitions import ApplicationCause
from shared.contracts.licensing import LicenceCause, LicenceKind
from shared.contracts.training import RevocationCause

Words = Mapping[str, Mapping[str, str]]
"""Language to code to word."""

CLASSES: Words = {
    "id": {"tidak_diketahui": "belum diketahui", "besar": "usaha besar"},
    "en": {"tidak_diketahui": "not known", "mikro": "micro", "kecil": "small", "menengah": "medium", "besar": "large"},
}
LICENCES: Words = {
    "id": {
        LicenceKind.NIB: "NIB",
        LicenceKind.P_IRT: "P-IRT",
        LicenceKind.BPOM: "izin edar BPOM",
        LicenceKind.HALAL_PERNYATAAN: "pernyataan halal",
        LicenceKind.HALAL_SERTIFIKAT: "sertifikat halal",
        LicenceKind.SNI: "SNI",
        LicenceKind.LAIK_HIGIENE: "sertifikat laik higiene",
    },
    "en": {
        LicenceKind.NIB: "NIB",
        LicenceKind.P_IRT: "P-IRT",
        LicenceKind.BPOM: "BPOM distribution permit",
        LicenceKind.HALAL_PERNYATAAN: "halal statement",
        LicenceKind.HALAL_SERTIFIKAT: "halal certificate",
        LicenceKind.SNI: "SNI",
        LicenceKind.LAIK_HIGIENE: "hygiene certificate",
    },
}
CAUSES: Words = {
    "id": {
        ApplicationCause.TIDAK_MEMENUHI_SYARAT: "persyaratan belum terpenuhi",
        ApplicationCause.NILAI: "nilai kurasi belum cukup",
        ApplicationCause.USAHA_TIDAK_AKTIF: "usaha tidak aktif",
        ApplicationCause.LAINNYA: "lainnya; tanyakan kepada kantor dinas",
        LicenceCause.DOKUMEN_TIDAK_SESUAI: "dokumen tidak sesuai",
        LicenceCause.NOMOR_TIDAK_DITEMUKAN: "nomor tidak ditemukan",
        LicenceCause.DICABUT_PENERBIT: "dicabut oleh penerbitnya",
        LicenceCause.USAHA_TUTUP: "usaha sudah tutup",
        LicenceCause.PEMILIK_DIHAPUS: "pemilik yang mengajukannya tidak tercatat lagi",
        RevocationCause.SALAH_DATA: "datanya salah",
        RevocationCause.KECURANGAN: "ditemukan kecurangan",
        RevocationCause.PERMINTAAN_PESERTA: "atas permintaan Anda",
    },
    "en": {
        ApplicationCause.TIDAK_MEMENUHI_SYARAT: "requirements are not met",
        ApplicationCause.NILAI: "the score of the curation was not enough",
        ApplicationCause.USAHA_TIDAK_AKTIF: "the business is not active",
        ApplicationCause.LAINNYA: "another; ask the office",
        LicenceCause.DOKUMEN_TIDAK_SESUAI: "the document does not fit",
        LicenceCause.NOMOR_TIDAK_DITEMUKAN: "the number was not found",
        LicenceCause.DICABUT_PENERBIT: "revoked by its issuer",
        LicenceCause.USAHA_TUTUP: "the business has closed",
        LicenceCause.PEMILIK_DIHAPUS: "the owner who handed it in is no longer on record",
        RevocationCause.SALAH_DATA: "its data are wrong",
        RevocationCause.KECURANGAN: "there was a fraud",
        RevocationCause.PERMINTAAN_PESERTA: "as you asked",
    },
}
"""The kinds of causes share the code ``lainnya``; a refused enrolment has codes that an application has too."""
