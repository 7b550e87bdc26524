"""Every template in both languages, with names that try to break out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.commands import Text, Topic
from services.notifications.domain.announcements import TEMPLATE, Announced
from services.notifications.domain.messages import Claimed, Recipient
from services.notifications.domain.notices import TEMPLATES, RecipientKind
from services.notifications.domain.text import lines, one_line
from services.notifications.domain.topics import STOPPABLE, topic_of
from services.notifications.handlers.composing import Composer, NotComposedError, Surroundings
from services.notifications.handlers.rendering import Renderer
from services.notifications.reference import load_kelurahan
from shared.contracts.registry import BusinessPersonal, OwnerPersonal, ReasonPersonal
from shared.sealing import new_key, seal
from tests.notifications.workshop import LINKS, MAIL_FROM

NOW = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
PARAMS: dict[str, Any] = {
    "closed_on": "2026-11-24",
    "previous": "mikro",
    "current": "kecil",
    "as_of": "2026-11-25",
    "import_id": "0190f0c0-a000-7000-8000-00000000abcd",
    "kelurahan": "64.71.01.1001",
    "completed_at": "2026-11-25T02:30:00+00:00",
    "rows": 2795,
    "new": 2790,
    "changed": 1,
    "same": 1,
    "possible_duplicate": 1,
    "refused": 2,
    "title": "Pemasaran Digital",
    "place": "Aula DKUMKMP",
    "starts_at": "2026-12-03T09:00:00+08:00",
    "until": "2026-11-27T12:00:00+08:00",
    "number": "0042/DIGI/DKUMKMP/2026",
    "zone": "Asia/Jakarta",
    "booth": 7,
    "wave": 2,
    "confirm_by": "2026-12-01T12:00:00+08:00",
    "cause": "nilai",
    "kind": "halal_sertifikat",
    "expires_on": "2027-02-23",
    "days_left": 90,
    "mark": "Amplang Siti",
    "every": "harian",
    "day": "2026-11-26",
    "items": [{"subject": "Kabar", "body": "Isi", "occurred_at": NOW}],
}
ANNOUNCEMENT = UUID("0190f0c0-a000-7000-8000-00000000abce")
HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "MIME-Version"}
HEADERS |= {"Content-Type"}
UNSUBSCRIBE_HEADERS = {"List-Unsubscribe", "List-Unsubscribe-Post"}
HOSTILE = [
    "Siti\r\nBcc: korban@umkm.example",
    "Siti\nSubject: lain\n\nisi palsu",
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% include 'id/footer.txt' %}",
    "Siti \u202emoc.live\u202c \u0000\u001b[31m",
    "Siti\u2028Bcc: x\u2029\x85y",
    "O’Neil & “Anak” Sdr.",
    "ا" * 100,
]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(load_kelurahan())


def announced(body: str) -> Announced:
    """Return an announcement in both languages; an officer may paste anything into it."""
    texts = {language: Text(f"Pelatihan {body}", lines(f"Isi:\n{body}")) for language in ("id", "en")}
    return Announced(Topic.PELATIHAN, texts, False)


def compose(renderer: Renderer, template: str, language: str, name: str, email: str = "siti@umkm.example") -> Any:
    owner_id, business_id, key = uuid4(), uuid4(), new_key()
    message = Claimed(
        uuid4(),
        ANNOUNCEMENT,
        template,
        RecipientKind.OWNER,
        str(owner_id),
        business_id,
        "email",
        PARAMS,
        seal(key, owner_id, ReasonPersonal(reason=f"Alasan:\n{name}")),
        1,
        NOW,
    )
    sealed = seal(key, owner_id, OwnerPersonal(name=name, email=email))
    surroundings = Surroundings(
        {owner_id: Recipient(owner_id, sealed, language, "email", True, False)},
        {business_id: seal(key, owner_id, BusinessPersonal(name=name))},
        {},
        {ANNOUNCEMENT: announced(name)} if template == TEMPLATE else {},
    )
    return Composer(renderer, MAIL_FROM, None, LINKS).compose(message, surroundings, {owner_id: key}, NOW).mail


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_header_or_html(renderer: Renderer, template: str, language: str, name: str) -> None:
    mail = compose(renderer, template, language, name)
    assert set(mail.keys()) == HEADERS | (UNSUBSCRIBE_HEADERS if template in {TEMPLATE, *STOPPABLE} else set())
    assert "\n" not in mail["Subject"]
    assert "\r" not in mail["Subject"]
    html = mail.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("<title>") == html.count("</title>") == 1
    text = mail.get_body(("plain",)).get_content()
    assert "\u202e" not in text + html
    assert "\x1b" not in text + html
    assert mail["To"] == "siti@umkm.example"
    assert b"\r\nBcc:" not in mail.as_bytes()


@pytest.mark.parametrize("email", ["a@b", "siti", "", "siti@umkm.example\r\nBcc: x@y.example", "a b@umkm.example"])
def test_an_address_that_is_none_suppresses_the_message(renderer: Renderer, email: str) -> None:
    with pytest.raises(NotComposedError) as refused:
        compose(renderer, "owner_registered", "id", "Siti", email)
    assert refused.value.reason == "no_address"


def test_texts_speak_the_owners_language(renderer: Renderer) -> None:
    indonesian = compose(renderer, "business_class_up", "id", "Warung Siti")
    english = compose(renderer, "business_class_up", "en", "Warung Siti")
    assert indonesian["Subject"] == "Selamat, usaha Anda naik kelas: Warung Siti"
    assert "dari mikro menjadi kecil per 25 November 2026" in indonesian.get_body(("plain",)).get_content()
    assert "from micro to small as of 25 November 2026" in english.get_body(("plain",)).get_content()


def test_the_digest_counts_in_the_officers_language(renderer: Renderer) -> None:
    rendered = renderer.render("import_digest", "id", PARAMS)
    assert rendered.subject == "Impor selesai: Manggar, 2.795 baris"
    assert "25 November 2026 pukul 10.30 WITA" in rendered.text
    assert renderer.render("import_digest", "en", PARAMS).subject == "Import finished: Manggar, 2,795 rows"


def test_a_business_without_a_readable_name_is_still_told_of(renderer: Renderer) -> None:
    values = {"name": "Siti", "business": None, "reason": None, "occurred_at": NOW}
    rendered = renderer.render("business_returned", "id", values)
    assert rendered.subject == "Data perlu diperbaiki: usaha Anda"
    assert "Alasan" not in rendered.text


def test_an_offer_says_until_when_and_for_what(renderer: Renderer) -> None:
    mail = compose(renderer, "enrolment_offered", "id", "Siti")
    assert mail["Subject"] == "Ada kursi untuk Anda: Pemasaran Digital"
    text = mail.get_body(("plain",)).get_content()
    assert "sampai 27 November 2026 pukul 12.00 WITA" in text
    assert "mulai 3 Desember 2026 pukul 09.00 WITA, di Aula DKUMKMP" in text
    english = compose(renderer, "certificate_issued", "en", "Siti").get_body(("plain",)).get_content()
    assert "0042/DIGI/DKUMKMP/2026" in english


def test_times_of_an_exhibition_are_written_in_its_own_zone(renderer: Renderer) -> None:
    values = {**PARAMS, "name": "Siti", "business": "Warung Siti"}
    indonesian = renderer.render("application_placed", "id", values)
    assert indonesian.subject == "Konfirmasi tempat Anda: Pemasaran Digital"
    assert "stan 7, gelombang 2, mulai 3 Desember 2026 pukul 08.00 WIB" in indonesian.text
    assert "paling lambat 1 Desember 2026 pukul 11.00 WIB" in indonesian.text
    english = renderer.render("application_placed", "en", values)
    assert "beginning on 3 December 2026 at 08:00 WIB (UTC+7)" in english.text


def test_codes_are_written_as_people_say_them(renderer: Renderer) -> None:
    values = {**PARAMS, "name": "Siti", "business": "Warung Siti", "topic": "perizinan", "link": "https://x.example/y"}
    expiring = renderer.render("licence_expiring", "id", values)
    assert expiring.subject == "Izin segera habis: sertifikat halal, 90 hari lagi"
    assert "berlaku sampai 23 Februari 2027" in expiring.text
    refused = renderer.render("application_rejected", "id", values)
    assert "belum dapat diterima: nilai kurasi belum cukup." in refused.text


def test_a_brand_of_an_organisation_is_told_to_the_office_without_a_name(renderer: Renderer) -> None:
    rendered = renderer.render("brand_expiring", "id", PARAMS)
    assert rendered.subject == "Perlindungan merek segera berakhir: Amplang Siti"
    assert "milik mitra dinas" in rendered.text
    assert "Berhenti" not in rendered.text


def test_a_reminder_carries_the_link_that_stops_its_topic(renderer: Renderer) -> None:
    mail = compose(renderer, "session_reminder", "id", "Siti")
    topic = topic_of("session_reminder")
    assert topic is Topic.PELATIHAN
    link = mail["List-Unsubscribe"].strip("<>")
    assert f".{topic}." in link
    assert link in mail.get_body(("plain",)).get_content()


def test_long_subjects_are_cut() -> None:
    assert one_line("a " * 200, 10) == "a a a a a…"


def test_reasons_keep_their_lines() -> None:
    assert lines(" satu \r\n\r\n\r\n dua\ttiga \x00") == "satu\n\ndua tiga"
