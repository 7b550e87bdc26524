"""How the page of operations says states, kinds and outcomes."""

from __future__ import annotations

from shared.contracts.fact import TYPE_PREFIX as CONTRACT_PREFIX

TYPE_PREFIX = f"{CONTRACT_PREFIX}."
"""Left out where a type is shown."""
STATES = {"ready": "siap", "not ready": "belum siap", "no answer": "tidak menjawab"}
KINDS = {
    "poison": "gagal diterapkan",
    "unreadable": "tidak terbaca",
    "gap": "menunggu yang belum datang",
    "behind": "menunggu di belakang yang gagal",
}
DISCARDABLE = frozenset({"poison", "unreadable"})
"""What else is parked only waits; the service refuses to discard it."""
DEEDS = {
    "redrive": "diputar ulang",
    "discard": "dibuang",
    "rewrap_keys": "kunci dibungkus ulang",
    "restore": "dipulihkan dari cadangan",
    "rebuild": "proyeksi baru dipasang",
    "rollback": "proyeksi sebelumnya dipasang kembali",
    "reset": "pembacaan dimundurkan",
    "reset_failed": "pembacaan belum pasti dimundurkan, atau baru sebagian",
    "apply_topics": "topik dan hak disesuaikan",
    "apply_topics_failed": "topik dan hak belum pasti disesuaikan, atau baru sebagian",
    "migrate": "skema diperbarui",
    "erase": "data pribadi dihapus",
}
WAYS = {"api": "halaman atau API", "cli": "perintah"}
DELIVERY_WAYS = {"webhook": "webhook", "kafka": "topik Kafka", "feed": "aliran HTTP"}
OUTCOMES = {"swapped": "selesai, dipasang", "not_swapped": "selesai, tidak dipasang", "failed": "gagal atau ditolak"}
STAGES = {
    "start": "mulai",
    "load": "memuat",
    "index": "membuat indeks",
    "catch up": "mengejar",
    "compare": "membandingkan",
    "swap": "memasang",
}
DONE = {
    "putar-ulang": "Putar ulang diminta; pekerja layanan melakukannya dalam beberapa detik.",
    "buang": "Peristiwa dibuang, dan dicatat di jejak.",
}
"""What was done just now, by the last part of the address of its form."""
ORDERS = {"putar-ulang": "redrive", "buang": "discard"}
"""The deed of each form."""
CHARTS = (
    ("lags", "Ketertinggalan pembaca (catatan)"),
    ("outboxes", "Antrean keluar (fakta)"),
    ("parked", "Terparkir (peristiwa)"),
)
