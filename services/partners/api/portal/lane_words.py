"""What the pages say of how streams stand on their way: in Indonesian and in English, with what can be done."""

from __future__ import annotations

from collections.abc import Mapping

from services.partners.domain.lanes import LaneState, StopReason
from services.partners.domain.standings import Standing

Pair = tuple[str, str]

STANDINGS: Mapping[str, Pair] = {
    Standing.TERKINI: ("terkini", "up to date"),
    Standing.BERJALAN: ("berjalan", "going on"),
    Standing.MENUNGGU: ("menunggu percobaan berikutnya", "waiting for the next try"),
    Standing.DIJEDA: ("dijeda", "paused"),
    Standing.DIMATIKAN: ("dimatikan", "disabled"),
    Standing.DIHAPUS: ("dihapus", "removed"),
    Standing.BERHENTI: ("berhenti", "stopped"),
    Standing.DITUTUP: ("berhenti karena perjanjian", "stopped by the agreement"),
    Standing.TERBUKA: ("terbuka", "open"),
}
WHAT_TO_DO: Mapping[str, Pair] = {
    Standing.TERKINI: ("Tidak ada yang perlu dilakukan.", "Nothing needs to be done."),
    Standing.BERJALAN: (
        "Yang menunggu sedang menyusul. Bila lama tidak bergerak, hubungi dinas.",
        "What waits is on its way. If it does not move for long, ask the office.",
    ),
    Standing.MENUNGGU: (
        "Penerima tidak menerima; sebabnya ada di antara hasil pengiriman. Perbaiki penerimanya; dicoba lagi pada waktunya, "
        "atau jeda lalu lanjutkan untuk mencoba sekarang.",
        "The receiver did not accept; the cause stands among the outcomes. Mend the receiver; it is tried again at its time, "
        "or pause and resume the webhook to have it tried now.",
    ),
    Standing.DIJEDA: ("Lanjutkan webhooknya.", "Resume the webhook."),
    Standing.DIMATIKAN: (
        "Perbaiki penerimanya, lalu lanjutkan webhooknya; yang sudah tidak disimpan hanya dilewati bila diberi tanda.",
        "Mend the receiver, then resume the webhook; what is not kept any more is passed over only if that is ticked.",
    ),
    Standing.DIHAPUS: ("Tidak ada lagi; buat webhook baru.", "Nothing any more; make a new webhook."),
    Standing.BERHENTI: ("Lanjutkan dengan formulir di bawah.", "Let it go on by the form below."),
    Standing.DITUTUP: ("Hubungi dinas.", "Ask the office."),
    Standing.TERBUKA: (
        "Program Anda membacanya dari kursor yang disimpannya.",
        "Your program reads it from the cursor that it keeps.",
    ),
}
LANE_STATES: Mapping[str, Pair] = {
    LaneState.AKTIF: ("berjalan", "going on"),
    LaneState.BERHENTI: ("berhenti", "stopped"),
}
LANE_STOPS: Mapping[str, Pair] = {
    StopReason.RIWAYAT_DIHAPUS: (
        "sebagian peristiwa yang belum ditulis sudah tidak disimpan",
        "some of the events that were not written yet are not kept any more",
    ),
}
LANE_DONE: Mapping[str, Pair] = {
    "jalur": (
        "Aliran ke topik dilanjutkan dengan yang masih disimpan.",
        "The stream into the topic goes on with what is kept.",
    ),
}
LANE_WORDS: Mapping[str, Pair] = {
    "what_to_do": ("Sebab, dan yang dapat dilakukan", "Why, and what can be done"),
    "stopped_webhooks": (
        "Sekarang tidak ada yang dikirim ke webhook instansi ini.",
        "Nothing is posted to the webhooks of this agency now.",
    ),
    "resume_lane": ("Lanjutkan aliran {stream}", "Let the stream {stream} go on"),
}
