"""What the pages of replays say: states, reasons, rules and texts; in Indonesian and in English."""

from __future__ import annotations

from collections.abc import Mapping

from services.partners.domain.replays import ReplayState, StopReason

Pair = tuple[str, str]

REPLAY_STATES: Mapping[str, Pair] = {
    ReplayState.BERJALAN: ("berjalan", "going on"),
    ReplayState.SELESAI: ("selesai", "done"),
    ReplayState.DIBATALKAN: ("dibatalkan", "cancelled"),
    ReplayState.DIHENTIKAN: ("dihentikan", "stopped"),
}
REPLAY_STOPS: Mapping[str, Pair] = {
    StopReason.PERJANJIAN_DITANGGUHKAN: ("perjanjian ditangguhkan", "the agreement was suspended"),
    StopReason.PERJANJIAN_KEDALUWARSA: ("masa perjanjian habis", "the agreement expired"),
    StopReason.PERJANJIAN_BERAKHIR: ("perjanjian diakhiri", "the agreement was ended"),
    StopReason.CARA_TIDAK_DIPERJANJIKAN: (
        "perjanjian tidak lagi menyebut webhook",
        "the agreement does not name webhooks any more",
    ),
    StopReason.TANPA_PERJANJIAN: ("tidak ada perjanjian yang berlaku", "no agreement is in force"),
    StopReason.RIWAYAT_DIHAPUS: (
        "sisanya sudah tidak disimpan; yang masih disimpan dapat diputar ulang lagi",
        "the rest is not kept any more; what is kept can be replayed by another one",
    ),
    StopReason.GAGAL_TIGA_HARI: (
        "tiga hari tanpa satu pun yang berhasil; perbaiki penerimanya, lalu mulai yang baru",
        "three days without a success; mend the receiver, then start another one",
    ),
    StopReason.WEBHOOK_DIHAPUS: ("webhook dihapus", "the webhook was removed"),
}
RANGE_RULES: Mapping[str, Pair] = {
    "awal": (
        "isi tepat satu: waktu awal, atau kursor",
        "fill in exactly one: the time that it begins with, or a cursor",
    ),
    "aliran_kursor": (
        "kursor milik satu aliran: pilih tepat aliran itu",
        "a cursor belongs to one stream: choose exactly that stream",
    ),
    "aliran_ganda": ("tiap aliran hanya sekali", "each stream only once"),
    "waktu": ("waktu akhir harus sesudah waktu awal", "it must end after it begins"),
}
REPLAY_DONE: Mapping[str, Pair] = {
    "putar-ulang": (
        "Putar ulang dimulai. Muat ulang halaman ini untuk melihat kemajuannya.",
        "The replay has begun. Load this page again to see how far it is.",
    ),
    "batal": ("Putar ulang dibatalkan.", "The replay was cancelled."),
}
REPLAY_WORDS: Mapping[str, Pair] = {
    "replay": ("Putar ulang", "Replay"),
    "replays": ("Putar ulang, yang terbaru dulu", "Replays, newest first"),
    "replays_of": ("Putar ulang webhook", "Replays of the webhook"),
    "all_replays": ("Semua putar ulang", "All replays"),
    "no_replays": ("Belum ada putar ulang", "No replays yet"),
    "older": ("Yang lebih lama", "Older ones"),
    "begun": ("Diminta", "Asked for"),
    "ended": ("Berakhir", "Ended"),
    "range": ("Rentang", "Range"),
    "range_time": ("{since} sampai sesaat sebelum {until}", "{since} until just before {until}"),
    "range_open": (
        "{since} sampai yang terkirim ketika diminta",
        "{since} until what had been delivered when it was asked for",
    ),
    "range_cursor": ("sesudah kursor", "after a cursor"),
    "range_cursor_until": (
        "sesudah kursor, sampai sesaat sebelum {until}",
        "after a cursor, until just before {until}",
    ),
    "done_of": ("{done} dari {total} posisi", "{done} of {total} positions"),
    "replay_progress": ("Kemajuan", "Progress"),
    "taken": ("Diterima", "Accepted"),
    "rate": ("Paling banyak per detik", "At most a second"),
    "after_position": ("Sesudah posisi", "After position"),
    "upto_position": ("Sampai posisi", "Up to position"),
    "replay_note": (
        "Posisi menghitung juga peristiwa yang tidak diberikan perjanjian; diterima menghitung yang dijawab 2xx.",
        "Positions count also events that the agreement does not grant; accepted counts what was answered with 2xx.",
    ),
    "replay_waits": (
        "Putar ulang ini menunggu, karena webhooknya {state}. Lanjutkan webhooknya.",
        "This replay waits, because its webhook is {state}. Resume the webhook.",
    ),
    "new_replay": ("Putar ulang baru", "New replay"),
    "new_replay_lead": (
        "Yang sudah pernah terkirim ke webhook ini dikirim sekali lagi, dengan tanda “replay”, di samping yang baru. "
        "Satu putar ulang pada satu waktu.",
        "What was delivered to this webhook is posted once more, marked “replay”, beside what is new. One replay at a time.",
    ),
    "since_label": ("Dari (WITA): ketika tercatat di sini", "From (WITA, UTC+8): when it was recorded here"),
    "until_label": (
        "Sampai sesaat sebelum (WITA); kosong: sampai yang sudah terkirim saat ini",
        "Until just before (WITA, UTC+8); empty: until what has been delivered by now",
    ),
    "cursor_label": (
        "Atau sesudah kursor: Feed-Next dari satu aliran",
        "Or after a cursor: the Feed-Next of one stream",
    ),
    "streams_label": ("Aliran; tanpa tanda: semua yang diberikan", "Streams; none ticked: all that are granted"),
    "rate_label": (
        "Peristiwa per detik, 1 sampai {most}; kosong: {usual}",
        "Events a second, 1 to {most}; empty: {usual}",
    ),
    "start_replay": ("Mulai putar ulang", "Start the replay"),
    "cancel_replay": ("Batalkan putar ulang", "Cancel the replay"),
}
