"""What the pages of erasure notices say: states, answers, obstacles and texts; in Indonesian and in English."""

from __future__ import annotations

from collections.abc import Mapping

from services.partners.domain.erasures import LETTER, READ, NoticeState, Obstacle, Outcome
from shared.contracts.partnership import DeliveryWay

Pair = tuple[str, str]

NOTICE_STATES: Mapping[str, Pair] = {
    NoticeState.MENUNGGU: ("belum tersampaikan", "not told yet"),
    NoticeState.PERLU_PETUGAS: ("perlu diberitahukan petugas", "to be told by an officer"),
    NoticeState.TERSAMPAIKAN: ("tersampaikan, belum dikonfirmasi", "told, not acknowledged"),
    NoticeState.DIKONFIRMASI: ("dikonfirmasi", "acknowledged"),
}
ANSWERS: Mapping[str, Pair] = {
    Outcome.DIHAPUS: ("dihapus", "erased"),
    Outcome.TIDAK_DISIMPAN: ("tidak pernah disimpan", "never stored"),
    Outcome.WAJIB_DISIMPAN: (
        "wajib disimpan menurut peraturan lain",
        "to be kept, as another law obliges",
    ),
}
OBSTACLES: Mapping[str, Pair] = {
    Obstacle.TANPA_PERJANJIAN: (
        "tidak ada perjanjian yang berlaku: petugas memberi tahu dengan surat",
        "no agreement is in force: an officer tells it by letter",
    ),
    Obstacle.TANPA_JALAN: (
        "tidak ada webhook, topik, atau feed: petugas memberi tahu dengan surat",
        "there is neither webhook, topic nor feed: an officer tells it by letter",
    ),
    Obstacle.MENUNGGU_DIBACA: ("menunggu dibaca oleh instansi", "waiting to be read by the agency"),
    Obstacle.WEBHOOK_GAGAL: (
        "webhook tidak menerima; dikirim lagi",
        "a webhook did not accept it; it is posted again",
    ),
    Obstacle.KAFKA_GAGAL: ("topik tidak dapat ditulis; ditulis lagi", "the topic cannot be written; it is tried again"),
}
TOLD_WAYS: Mapping[str, Pair] = {
    DeliveryWay.WEBHOOK: ("webhook", "webhook"),
    DeliveryWay.KAFKA: ("topik Kafka", "Kafka topic"),
    READ: ("dibaca di sini atau oleh program instansi", "read here or by the agency's program"),
    LETTER: ("surat", "letter"),
}
SHOWN: Mapping[str, Pair] = {
    "terbuka": ("Belum dikonfirmasi", "Not acknowledged"),
    "terlambat": ("Terlambat", "Overdue"),
    "semua": ("Semua", "All"),
}
"""What is shown of all notices, as it stands in the address."""
ERASURE_DONE: Mapping[str, Pair] = {
    "jawaban": ("Jawaban dicatat. Terima kasih.", "The answer is recorded. Thank you."),
    "surat": ("Surat dicatat.", "The letter is recorded."),
}
ERASURE_WORDS: Mapping[str, Pair] = {
    "erasures": ("Pemberitahuan penghapusan", "Erasure notices"),
    "erasures_tab": ("Penghapusan", "Erasures"),
    "erasures_lead": (
        "Pemilik data berikut meminta datanya dihapus. Hapus yang disimpan tentang mereka, lalu konfirmasikan dalam 3 × 24 jam.",
        "These people have had their data erased. Erase what is held of them, then acknowledge it within 3 × 24 hours.",
    ),
    "erasures_lead_all": (
        "Instansi yang pernah menerima data pemilik yang datanya dihapus, dan apa jawabannya.",
        "Agencies that were given data of people who had it erased, and what each has answered.",
    ),
    "erasures_open": ("{count} belum dikonfirmasi.", "{count} not acknowledged."),
    "erasures_show": ("Lihat pemberitahuan", "Show the notices"),
    "filters_of": ("Yang ditampilkan", "What is shown"),
    "of_agency": ("Hanya instansi {code}", "Only the agency {code}"),
    "of_all_agencies": ("Semua instansi", "All agencies"),
    "no_erasures": ("Tidak ada pemberitahuan", "No notices"),
    "by_agency": ("Yang belum dikonfirmasi per instansi", "What is not acknowledged, by agency"),
    "open": ("Belum dikonfirmasi", "Not acknowledged"),
    "overdue": ("Terlambat", "Overdue"),
    "notice": ("Pemberitahuan penghapusan", "Erasure notice"),
    "owner": ("Nomor pemilik data", "Number of the person"),
    "told_since": ("Sejak", "Since"),
    "due": ("Batas waktu", "Deadline"),
    "is_overdue": ("terlambat", "overdue"),
    "told_by": ("Disampaikan lewat", "Told by"),
    "told_first": ("Pertama disampaikan", "First told"),
    "obstacle": ("Hambatan", "Obstacle"),
    "letter": ("Surat petugas", "The officer's letter"),
    "tell_by_letter": ("Beri tahu dengan surat", "Tell by letter"),
    "tell_by_letter_lead": (
        "Catat surat yang sudah dikirim. Sejak itu instansi dianggap diberi tahu; jawabannya tetap ditunggu.",
        "Record a letter that was sent. From then on the agency counts as told; its answer is still waited for.",
    ),
    "letter_label": (
        "Nomor dan tahun surat (3 sampai 120 karakter)",
        "Number and year of the letter (3 to 120 characters)",
    ),
    "note_letter": ("Catat surat", "Record the letter"),
    "answered": ("Dikonfirmasi", "Acknowledged"),
    "answer_given": ("Jawaban", "Answer"),
    "reference": ("Rujukan", "Reference"),
    "subjects": ("Yang pernah diterima", "What was received"),
    "acknowledge": ("Konfirmasi", "Acknowledge"),
    "answer_label": ("Yang dilakukan instansi", "What the agency has done"),
    "reference_own": (
        "Rujukan: peraturan, bila wajib disimpan (3 sampai 120 karakter)",
        "Reference: the regulation, if it must be kept (3 to 120 characters)",
    ),
    "reference_officer": (
        "Rujukan: surat instansi (3 sampai 120 karakter)",
        "Reference: the agency's letter (3 to 120 characters)",
    ),
    "send_answer": ("Kirim jawaban", "Send the answer"),
}
