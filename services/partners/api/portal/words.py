"""What the pages say, by key: in Indonesian and in English."""

from __future__ import annotations

from collections.abc import Mapping

from services.partners.api.portal.deed_words import DEED_WORDS
from services.partners.api.portal.erasure_words import ERASURE_WORDS
from services.partners.api.portal.lane_words import LANE_WORDS
from services.partners.api.portal.replay_words import REPLAY_WORDS

LANGUAGES = ("id", "en")
"""The first is what everybody gets who has not chosen."""

WORDS: Mapping[str, tuple[str, str]] = {
    # the frame
    "language_name": ("Bahasa Indonesia", "English"),
    "skip": ("Langsung ke isi", "Skip to the content"),
    "portal": ("Portal instansi", "Portal of agencies"),
    "pages": ("Halaman portal", "Pages of the portal"),
    "languages": ("Bahasa", "Language"),
    "all_agencies": ("Semua instansi", "All agencies"),
    "my_agency": ("Instansi saya", "My agency"),
    "back": ("Kembali", "Back"),
    "footer": (
        "Halaman ini tidak menampilkan isi peristiwa: hanya nomor, keadaan, dan hasil pengirimannya.",
        "These pages show nothing of the events themselves: only numbers, states, and what came of posting them.",
    ),
    "none": ("–", "–"),
    "all": ("semua", "all"),
    "yes": ("ya", "yes"),
    "state": ("Keadaan", "State"),
    "why": ("Sebab", "Why"),
    # agencies
    "agencies": ("Instansi", "Agencies"),
    "agencies_lead": (
        "Setiap instansi dengan perjanjiannya yang terakhir.",
        "Every agency with its last agreement.",
    ),
    "agency": ("Instansi", "Agency"),
    "code": ("Kode", "Code"),
    "name": ("Nama", "Name"),
    "agreement": ("Perjanjian", "Agreement"),
    "webhooks": ("Webhook", "Webhooks"),
    "counts": (
        "{active} aktif, {paused} dijeda, {disabled} dimatikan",
        "{active} active, {paused} paused, {disabled} disabled",
    ),
    "no_agencies": ("Belum ada instansi", "No agencies yet"),
    "next_page": ("Halaman berikutnya", "Next page"),
    # an agency
    "no_agreement": (
        "Belum ada perjanjian dengan instansi ini; tidak ada yang diberikan. Hubungi dinas.",
        "There is no agreement with this agency yet; nothing is granted. Ask the office.",
    ),
    "agreements": ("Perjanjian, yang terbaru dulu", "Agreements, newest first"),
    "from_to": ("Masa", "Period"),
    "until": ("sampai sesaat sebelum", "until just before"),
    "details": ("Lihat perjanjian", "Show the agreement"),
    "no_webhooks": ("Belum ada webhook", "No webhooks yet"),
    "address": ("Alamat", "Address"),
    "made": ("Dibuat", "Made"),
    "feed": ("Aliran (feed)", "Feed"),
    "feed_lag": (
        "Kursor disimpan oleh program Anda. Ketertinggalan ada di setiap jawaban: Feed-Lag-Events dan Feed-Lag-Seconds.",
        "Your program keeps the cursor. How far it is behind stands in each answer: Feed-Lag-Events and Feed-Lag-Seconds.",
    ),
    "kafka": ("Topik Kafka", "Kafka topic"),
    "kafka_lead": (
        "Sampai mana peristiwa sudah ditulis ke {topic}. Sampai mana Anda membacanya, hanya diketahui program Anda.",
        "How far events were written into {topic}. How far you have read, only your program knows.",
    ),
    "public": (
        "Tanpa perjanjian pun setiap pengguna Kafka dapat membaca apa yang umum dari program dinas: {topics}.",
        "Whatever the agreement grants, every Kafka user may read what is public of the office's programme: {topics}.",
    ),
    # an agreement
    "agreement_of": ("Perjanjian dengan {title}", "Agreement with {title}"),
    "text_number": ("Naskah ke-{revision}", "Text {revision}"),
    "text_counts": ("Naskah yang ditandatangani", "The text that was signed"),
    "text_waits": ("Naskah yang menunggu tanda tangan", "The text that waits for signatures"),
    "signatures": ("Tanda tangan: {count} dari 2", "Signatures: {count} of 2"),
    "grants_nothing": (
        "Naskah ini belum memberikan apa pun sampai dua orang menandatanganinya.",
        "This text grants nothing until two people have signed it.",
    ),
    "legal_basis": ("Dasar hukum", "Legal basis"),
    "legal_reference": ("Rujukan", "Reference"),
    "purpose": ("Tujuan", "Purpose"),
    "contact": ("Narahubung", "Contact"),
    "ways": ("Cara pengiriman", "Ways of delivery"),
    "starts": ("Mulai", "Begins"),
    "expires": ("Berakhir", "Ends"),
    "filters": ("Saringan", "Filters"),
    "places": ("Kelurahan", "Places (kelurahan)"),
    "sectors": ("Bidang usaha", "Sectors"),
    "classes": ("Kelas usaha", "Classes"),
    "filter_rule": (
        "Peristiwa yang tidak menyebut nilai yang disaring tidak dikirim.",
        "An event that lacks a value that is filtered by is not delivered.",
    ),
    "grants": ("Jenis peristiwa dan kolom yang diberikan", "Types of events and fields that are granted"),
    "type": ("Jenis peristiwa", "Type of event"),
    "fields": ("Kolom", "Fields"),
    "type_ends": ("Diterbitkan sampai {day}. Penggantinya:", "Published until {day}. Its successor:"),
    "download": (
        "Unduh dokumen AsyncAPI dari tepat yang diberikan perjanjian ini",
        "Download the AsyncAPI document of exactly what this agreement grants",
    ),
    "no_download": (
        "Dokumen AsyncAPI tersedia selama perjanjian ditandatangani dan masanya belum habis.",
        "The AsyncAPI document is there while the agreement is signed and its time is not over.",
    ),
    # an endpoint
    "webhook": ("Webhook", "Webhook"),
    "number": ("Nomor", "Number"),
    "version": ("Versi", "Version"),
    "secrets": ("Kunci", "Secrets"),
    "secrets_lead": (
        "Kunci hanya tampak sekali, ketika dibuat. Yang berlaku sekarang:",
        "A secret is shown once, when it is made. Valid now:",
    ),
    "key_newest": ("kunci terbaru", "the newest secret"),
    "key_until": ("kunci lama, sampai {moment}", "an older secret, until {moment}"),
    "key_none": ("tidak ada", "none"),
    "progress": ("Kemajuan per aliran", "Progress by stream"),
    "stream": ("Aliran", "Stream"),
    "position": ("Posisi", "Position"),
    "last": ("Terakhir", "Last"),
    "behind": ("Tertinggal", "Behind"),
    "behind_note": (
        "Tertinggal: peristiwa aliran sesudah posisi, termasuk yang tidak diberikan kepada instansi ini.",
        "Behind: events of the stream after the position, also those that are not granted to this agency.",
    ),
    "waiting_since": ("Menunggu sejak", "Waiting since"),
    "moved_at": ("Terakhir ditulis", "Last written"),
    "tries": ("Gagal berturut-turut", "Failed in a row"),
    "failing_since": ("Gagal sejak", "Failing since"),
    "due_at": ("Dicoba lagi", "Tried again"),
    "no_streams": ("Tidak ada aliran yang diberikan", "No stream is granted"),
    "outcomes": ("Hasil pengiriman terakhir", "Last outcomes"),
    "outcomes_note": (
        "Isi yang dikirim dan jawabannya tidak disimpan, karena dapat memuat data pribadi.",
        "What was posted and what was answered is not kept, because it may hold personal data.",
    ),
    "time": ("Waktu", "Time"),
    "event_id": ("webhook-id", "webhook-id"),
    "answer": ("Jawaban", "Answer"),
    "outcome": ("Hasil", "Outcome"),
    "millis": ("Milidetik", "Milliseconds"),
    "test": ("uji", "test"),
    "no_outcomes": ("Belum ada pengiriman", "Nothing was posted yet"),
    "stopped_now": ("Sekarang tidak ada yang dikirim ke webhook ini.", "Nothing is posted to this webhook now."),
}


ALL_WORDS: Mapping[str, tuple[str, str]] = {
    **WORDS,
    **DEED_WORDS,
    **REPLAY_WORDS,
    **LANE_WORDS,
    **ERASURE_WORDS,
}


def words_of(language: str) -> dict[str, str]:
    """Return what the pages say in a language. Raises ``ValueError`` for one that they do not speak."""
    place = LANGUAGES.index(language)
    return {key: said[place] for key, said in ALL_WORDS.items()}
