"""Refusals in words: in Indonesian as everywhere, in English here, and in both what is allowed instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any, NamedTuple

from services.partners.api.portal.code_words import Codes
from shared.problems import Problem

WRONG_FIELD = "isian-tidak-sah"
"""A form in which something was filled in wrongly: ``label``, ``value``, and ``allowed`` in words."""


class Refused(NamedTuple):
    """A refusal as a page says it."""

    title: str
    text: str
    allowed: str | None
    """What may be done instead."""


ENGLISH: Mapping[str, tuple[str, str]] = {
    "belum-masuk": ("Not logged in", "This page asks for a valid access token, which the office's log-in adds."),
    "tidak-berhak": ("Not allowed", "Your role may not do this."),
    "tidak-ditemukan": ("Not found", "There is no such page here, or it is not yours to see."),
    "isi-tidak-sah": ("Not valid", "The address of this page, or its form, holds something that it cannot take."),
    "permintaan-rusak": ("Not readable", "The request cannot be read."),
    "terlalu-besar": ("Too large", "The form is larger than it may be."),
    "sedang-tidak-tersedia": ("Not available", "The service cannot do this now. Try again in a moment."),
    "sedang-diproses": ("Still under way", "The same request is still being done. Try again in a moment."),
    "kunci-terpakai": ("Form already used", "This form was sent before with other values. Open the page again."),
    "formulir-tidak-berlaku": ("Form not valid", "This form was not made for you, or not here. Open the page again."),
    WRONG_FIELD: ("Something was filled in wrongly", "{label}: {value}."),
    "versi-usang": (
        "Somebody changed it meanwhile",
        "It was changed since you opened the page; its version is {current} now.",
    ),
    "tanpa-perjanjian": (
        "No agreement is in force",
        "No agreement of this agency grants anything now (state: {state}).",
    ),
    "cara-tidak-diperjanjikan": ("Not agreed", "The agreement does not name this way of delivery: {way}."),
    "alamat-webhook": ("This address cannot be used", "It breaks a rule: {rule}."),
    "keadaan-webhook": ("Not in this state", "This cannot be done with a webhook that is {state}."),
    "webhook-terlalu-banyak": ("Too many webhooks", "An agency has {most} webhooks at most."),
    "kunci-terlalu-banyak": ("Too many secrets", "At most {most} secrets are valid at a time."),
    "riwayat-webhook-dihapus": (
        "Some of what was not delivered is not kept any more",
        "Events of these streams are gone: {streams}.",
    ),
    "aliran-tidak-diperjanjikan": (
        "Stream not agreed",
        "The agreement grants no event of the stream {stream}.",
    ),
    "kursor-tidak-sah": ("Not a cursor", "This is no cursor of ours."),
    "kursor-aliran-lain": ("Cursor of another stream", "This cursor does not belong to the stream {stream}."),
    "kursor-instansi-lain": ("Cursor of another agency", "This cursor was given to another agency."),
    "riwayat-sudah-dihapus": (
        "Not kept any more",
        "What comes after this cursor is not kept any more. The first cursor that may be used: {first}.",
    ),
    "kursor-mendahului": (
        "The cursor is ahead of the stream",
        "This cursor is ahead of the stream. The last cursor that may be used: {last}.",
    ),
    "kursor-riwayat-lain": (
        "A cursor from before our store was restored",
        "This cursor tells of events from before a backup was brought back that are not there any more. The cursor to go on from: {last}.",
    ),
    "rentang-putar-ulang": ("This is no range", "What is to be replayed breaks a rule: {range}."),
    "laju-putar-ulang": ("Not at this rate", "A replay posts 1 to {most} events a second."),
    "putar-ulang-berjalan": ("A replay goes on", "The replay {replay_id} of this webhook goes on."),
    "keadaan-putar-ulang": ("Not in this state", "This cannot be done with a replay that is {state}."),
    "keadaan-jalur": ("Not in this state", "This cannot be done with a stream into the topic that is {state}."),
    "riwayat-jalur-dihapus": (
        "Some of what was not written is not kept any more",
        "Of the stream {stream}, {positions} positions are gone.",
    ),
    "pemberitahuan-sudah-dijawab": ("Answered already", "This notice was answered already: {outcome}."),
    "rujukan-tidak-ada": ("The reference is missing", "This answer needs a reference: {outcome}."),
}
"""Slug → title and text; those that only the routes of programs give are said as they are there."""

ALLOWED: Mapping[str, tuple[str, str]] = {
    "versi-usang": ("Buka lagi halamannya, lalu ulangi.", "Open the page again, then repeat it."),
    "tanpa-perjanjian": ("Hubungi dinas.", "Ask the office."),
    "cara-tidak-diperjanjikan": ("Hubungi dinas bila cara ini diperlukan.", "Ask the office if you need it."),
    "alamat-webhook": (
        "Yang boleh: https ke internet, porta 443 atau 8443, tanpa nama pengguna dan fragmen, paling banyak 500 karakter. "
        "Alamat di dalam jaringan kota dibuka dahulu oleh dinas.",
        "What may be: https to the internet, port 443 or 8443, without user name and fragment, 500 characters at most. "
        "An address inside the city's network must be opened by the office first.",
    ),
    "webhook-terlalu-banyak": ("Hapus satu yang tidak dipakai.", "Remove one that is not used."),
    "kunci-terlalu-banyak": (
        "Tunggu sampai kunci yang lama berakhir.",
        "Wait until an older secret ends.",
    ),
    "riwayat-webhook-dihapus": (
        "Beri tanda pada “lanjutkan tanpa yang sudah tidak disimpan”.",
        "Tick “go on without what is not kept any more”.",
    ),
    "riwayat-jalur-dihapus": (
        "Beri tanda pada “lanjutkan tanpa yang sudah tidak disimpan”.",
        "Tick “go on without what is not kept any more”.",
    ),
    "aliran-tidak-diperjanjikan": ("Pilih aliran yang lain.", "Choose another stream."),
    "kursor-tidak-sah": (
        "Salin Feed-Next dari jawaban feed aliran itu.",
        "Copy the Feed-Next of an answer of the feed of that stream.",
    ),
    "kursor-aliran-lain": ("Pilih aliran dari kursor itu.", "Choose the stream of the cursor."),
    "kursor-instansi-lain": ("Pakai kursor yang Anda terima sendiri.", "Use a cursor that you were given yourselves."),
    "putar-ulang-berjalan": (
        "Tunggu sampai selesai, atau batalkan dahulu.",
        "Wait until it is done, or cancel it first.",
    ),
    "rujukan-tidak-ada": (
        "Sebutkan surat instansi, atau peraturan yang mewajibkan data disimpan.",
        "Name the agency's letter, or the regulation that obliges it to keep the data.",
    ),
    "pemberitahuan-sudah-dijawab": (
        "Yang wajib disimpan dapat dinyatakan dihapus kemudian; jawaban lain tetap.",
        "What must be kept may be told as erased later; any other answer stays.",
    ),
    "formulir-tidak-berlaku": ("Buka lagi halamannya, lalu ulangi.", "Open the page again, then repeat it."),
}
IN_STATE: Mapping[str, tuple[str, str]] = {
    "aktif": (
        "Yang dapat dilakukan: kirim uji, jeda, ganti kunci, hapus.",
        "What can be done: send a test, pause, change the secret, remove.",
    ),
    "dijeda": (
        "Yang dapat dilakukan: lanjutkan, ganti kunci, hapus.",
        "What can be done: resume, change the secret, remove.",
    ),
    "dimatikan": (
        "Yang dapat dilakukan: lanjutkan, ganti kunci, hapus.",
        "What can be done: resume, change the secret, remove.",
    ),
    "dihapus": ("Tidak ada lagi; buat webhook baru.", "Nothing any more; make a new webhook."),
}


INDONESIAN: Mapping[str, str] = {
    "tanpa-perjanjian": "Tidak ada perjanjian instansi ini yang berlaku sekarang (keadaan: {state}).",
    "alamat-webhook": "Aturan yang dilanggar: {rule}.",
    "riwayat-webhook-dihapus": "Sebagian peristiwa dari aliran berikut sudah tidak disimpan: {streams}.",
    "riwayat-jalur-dihapus": "{positions} posisi dari aliran {stream} sudah tidak disimpan.",
    "kursor-tidak-sah": "Kursor ini tidak dikenal.",
    "riwayat-sudah-dihapus": (
        "Peristiwa sesudah kursor ini sudah tidak disimpan. Kursor pertama yang dapat dipakai: {first}."
    ),
    "kursor-mendahului": "Kursor ini mendahului aliran. Kursor terakhir yang dapat dipakai: {last}.",
    "kursor-riwayat-lain": ("Kursor ini dari sebelum data dipulihkan dari cadangan. Kursor untuk melanjutkan: {last}."),
    "rentang-putar-ulang": "Rentang ini tidak dapat diputar ulang: {range}.",
    "putar-ulang-berjalan": "Putar ulang {replay_id} dari webhook ini masih berjalan.",
    "pemberitahuan-sudah-dijawab": "Pemberitahuan ini sudah dijawab: {outcome}.",
    "rujukan-tidak-ada": "Jawaban ini memerlukan rujukan: {outcome}.",
}
"""Texts for people, where the usual one speaks to programs."""


def say(problem: Problem, place: int, codes: Codes) -> Refused:
    """Return a refusal in the words of a language; ``place`` is its place in the pairs of words, 0 is Indonesian."""
    slug, values = problem.slug, problem.extra
    allowed = IN_STATE.get(str(values.get("state"))) if slug == "keadaan-webhook" else ALLOWED.get(slug)
    hint = str(values["allowed"]) if slug == WRONG_FIELD else (allowed[place] if allowed else None)
    if place > 0 and slug in ENGLISH:
        title, text = ENGLISH[slug]
        return Refused(title, _fill(slug, text, values, codes), hint)
    if slug in INDONESIAN:
        return Refused(problem.title, _fill(slug, INDONESIAN[slug], values, codes), hint)
    return Refused(problem.title, str(problem.detail), hint)


STATE_OF: Mapping[str, Callable[[Codes, str], str]] = {
    "keadaan-webhook": Codes.webhook,
    "keadaan-putar-ulang": Codes.replay,
    "keadaan-jalur": Codes.lane,
}
"""Whose state a refusal tells; in all others it is an agreement's."""


def _fill(slug: str, text: str, values: Mapping[str, Any], codes: Codes) -> str:
    """Return a sentence with the values that it names, said as the pages say them."""
    said = {name: values.get(name) for _, name, _, _ in Formatter().parse(text) if name}
    told: Mapping[str, Callable[[], str]] = {
        "rule": lambda: codes.url_rule(str(values.get("why"))),
        "range": lambda: codes.range_rule(str(values.get("why"))),
        "way": lambda: codes.way(str(values.get("way"))),
        "outcome": lambda: codes.answer(str(values.get("outcome"))),
        "state": lambda: STATE_OF.get(slug, Codes.agreement)(codes, str(values["state"])),
        "streams": lambda: ", ".join(values.get("streams", ())),
    }
    for name, value in said.items():
        if name in told and (name != "state" or value is not None):
            said[name] = told[name]()
    return text.format(**{name: "–" if value is None else value for name, value in said.items()})
