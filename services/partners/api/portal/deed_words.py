"""What the forms of the portal say: deeds, fields with what is allowed in them, and what was done."""

from __future__ import annotations

from collections.abc import Mapping

from services.partners.api.portal.erasure_words import ERASURE_DONE
from services.partners.api.portal.lane_words import LANE_DONE
from services.partners.api.portal.replay_words import REPLAY_DONE
from services.partners.domain.webhooks import MOST_OF_AN_AGENCY, MOST_SECRETS

Pair = tuple[str, str]

FIELDS: Mapping[str, tuple[Pair, Pair]] = {
    "url": (
        ("Alamat", "Address"),
        ("Yang boleh: 8 sampai 500 karakter, https.", "What may be: 8 to 500 characters, https."),
    ),
    "start": (
        ("Mulai", "Begin"),
        ("Yang boleh: sekarang, awal.", "What may be: sekarang (now), awal (the first kept)."),
    ),
    "overlap_hours": (
        ("Jam kunci lama masih berlaku", "Hours that the older secret goes on"),
        ("Yang boleh: bilangan bulat 0 sampai 168.", "What may be: a whole number, 0 to 168."),
    ),
    "yakin": (
        ("Tanda yakin", "Tick to confirm"),
        ("Beri tanda bila benar-benar akan dihapus.", "Tick the box if it is really to be removed."),
    ),
    "since": (("Dari", "From"), ("Yang boleh: tanggal dan jam, WITA.", "What may be: a day and a time, WITA (UTC+8).")),
    "until": (
        ("Sampai", "Until"),
        ("Yang boleh: tanggal dan jam, WITA.", "What may be: a day and a time, WITA (UTC+8)."),
    ),
    "after": (
        ("Kursor", "Cursor"),
        ("Yang boleh: paling banyak 200 karakter.", "What may be: 200 characters at most."),
    ),
    "streams": (
        ("Aliran", "Streams"),
        ("Yang boleh: aliran yang disebut dalam formulir.", "What may be: streams that the form names."),
    ),
    "rate": (("Laju", "Rate"), ("Yang boleh: bilangan bulat.", "What may be: a whole number.")),
    "outcome": (
        ("Yang dilakukan instansi", "What the agency has done"),
        ("Pilih salah satu jawaban.", "Choose one of the answers."),
    ),
    "reference": (
        ("Rujukan", "Reference"),
        (
            "Yang boleh: 3 sampai 120 karakter, tanpa nomor panjang dan alamat surel.",
            "What may be: 3 to 120 characters, without long numbers and addresses of mail.",
        ),
    ),
    "letter": (
        ("Surat", "Letter"),
        (
            "Yang boleh: 3 sampai 120 karakter, tanpa nomor panjang dan alamat surel.",
            "What may be: 3 to 120 characters, without long numbers and addresses of mail.",
        ),
    ),
    "versi": (("Versi", "Version"), ("Buka lagi halamannya, lalu ulangi.", "Open the page again, then repeat it.")),
}
"""Field → what it is called, and what is allowed in it."""

DONE: Mapping[str, Pair] = {
    "uji": (
        "Uji diminta. Muat ulang halaman ini sebentar lagi: hasilnya ada di antara pengiriman terakhir.",
        "A test was asked for. Load this page again in a moment: what came of it stands among the last outcomes.",
    ),
    "jeda": (
        "Webhook dijeda. Tidak ada yang hilang selama peristiwanya masih disimpan.",
        "The webhook is paused. Nothing is lost as long as the events are kept.",
    ),
    "lanjut": ("Webhook dilanjutkan dari tempat berhenti.", "The webhook goes on where it stopped."),
    "hapus": ("Webhook dihapus, kuncinya dilupakan.", "The webhook was removed, its secrets are forgotten."),
    **REPLAY_DONE,
    **LANE_DONE,
    **ERASURE_DONE,
}
"""What was done, by the deed's part of the address."""

DEED_WORDS: Mapping[str, Pair] = {
    "deeds": ("Yang dapat dilakukan", "What can be done"),
    "new_webhook": ("Webhook baru", "New webhook"),
    "new_webhook_lead": (
        f"Peristiwa yang diperjanjikan dikirim ke alamat ini. Satu instansi paling banyak memiliki {MOST_OF_AN_AGENCY} webhook.",
        f"What is agreed is posted to this address. An agency has {MOST_OF_AN_AGENCY} webhooks at most.",
    ),
    "address_label": (
        "Alamat: https, porta 443 atau 8443, tanpa nama pengguna dan fragmen",
        "Address: https, port 443 or 8443, without user name and fragment",
    ),
    "start_label": ("Mulai dari", "Begin with"),
    "start_now": ("peristiwa berikutnya", "the next event"),
    "start_first": ("peristiwa pertama yang masih disimpan", "the first event that is still kept"),
    "create": ("Buat webhook", "Make the webhook"),
    "cancel": ("Batal", "Cancel"),
    "send_test": ("Kirim uji", "Send a test"),
    "pause": ("Jeda", "Pause"),
    "resume": ("Lanjutkan", "Resume"),
    "skip_lost": (
        "lanjutkan tanpa yang sudah tidak disimpan",
        "go on without what is not kept any more",
    ),
    "rotate": ("Buat kunci baru", "Make a new secret"),
    "rotate_lead": (
        f"Yang lama masih berlaku selama jam berikut; paling banyak {MOST_SECRETS} kunci berlaku bersamaan.",
        f"The older one goes on for so many hours; at most {MOST_SECRETS} secrets are valid at a time.",
    ),
    "hours": ("Jam (0 sampai 168)", "Hours (0 to 168)"),
    "remove": ("Hapus webhook", "Remove the webhook"),
    "sure": (
        "Saya yakin: tidak ada yang dikirim lagi ke alamat ini, untuk selamanya.",
        "I am sure: nothing is posted to this address any more, for good.",
    ),
    "secret_title": ("Kunci webhook", "Secret of the webhook"),
    "secret_lead": (
        "Simpan sekarang: kunci ini hanya tampak di halaman ini, dan tidak dapat dibaca lagi.",
        "Store it now: this secret is on this page alone, and cannot be read again.",
    ),
    "secret_gone": (
        "Kuncinya sudah ditampilkan dan tidak dapat dibaca lagi. Bila tidak tersimpan, buat kunci baru.",
        "The secret was shown before and cannot be read again. If it was not stored, make a new one.",
    ),
    "to_webhook": ("Ke halaman webhook", "To the webhook's page"),
}
