"""How the operator's page says states, reasons, subjects and templates."""

from __future__ import annotations

from services.notifications.domain.messages import State, Suppression
from services.notifications.domain.overseeing import Subject

STATES = {
    State.WAITING: "menunggu penerima",
    State.QUEUED: "antre",
    State.SENDING: "sedang dikirim",
    State.SENT: "terkirim",
    State.DELIVERED: "sampai",
    State.READ: "dibaca",
    State.FAILED: "gagal",
    State.UNKNOWN: "tidak diketahui",
    State.SUPPRESSED: "tidak dikirim",
}
SUBJECTS = {
    Subject.USAHA: "usaha sendiri",
    Subject.PELATIHAN: "pelatihan",
    Subject.PAMERAN: "pameran",
    Subject.PEMBIAYAAN: "pembiayaan",
    Subject.PERIZINAN: "perizinan",
    Subject.KABAR: "kabar umum",
    Subject.IMPOR: "impor (petugas)",
}
CHANNELS = {"email": "surel", "console": "konsol", "whatsapp": "WhatsApp", "sms": "SMS"}
REASONS = {
    Suppression.NO_CONSENT: "pemilik tidak setuju diberi tahu",
    Suppression.OPTED_OUT: "pemilik menghentikan topiknya",
    Suppression.NO_CHANNEL: "pemilik tidak memilih saluran",
    Suppression.CHANNEL_UNAVAILABLE: "saluran pilihan pemilik tidak tersedia",
    Suppression.NO_ADDRESS: "tidak ada alamat yang dapat dipakai",
    Suppression.ERASED: "data pemilik dihapus",
    Suppression.ANNOUNCEMENT_CANCELLED: "pengumumannya dibatalkan",
    Suppression.REMINDER_VOID: "jadwalnya berubah, atau tidak jadi ikut",
    Suppression.IN_DIGEST: "masuk ringkasan pemilik",
    Suppression.TOO_LATE: "acaranya sudah mulai, atau batas waktunya sudah lewat",
    "sender_lost": "pengirimnya berhenti di tengah jalan",
    "no_answer": "server tidak menjawab sesudah menerima",
    "connection_lost": "sambungan putus sesudah diserahkan",
    "resend": "dikirim ulang oleh operator",
}
"""Codes that people ask about; others, such as a server's answer, are shown as they are."""
TEMPLATE_NAMES = {
    "announcement": "pengumuman",
    "import_digest": "ringkasan impor",
    "digest": "ringkasan pemilik",
    "session_reminder": "pengingat pelatihan",
    "session_moved": "sesi pelatihan dipindahkan",
    "exhibition_reminder": "pengingat pameran",
    "application_unconfirmed": "pengingat konfirmasi tempat",
}
"""Of messages behind which no fact of an owner stands; others are shown by their template."""
