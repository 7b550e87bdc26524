"""Certificates: the PDF and its QR code, editions, taking back, the page for everybody, erasure."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import pypdfium2
import pytest
import zxingcpp

from services.training.domain.certificates import show_code
from services.training.domain.models import Printed
from services.training.handlers.printing import Printer
from shared.auth import Role
from shared.contracts.registry import OwnerContactChanged, OwnerPersonal
from shared.contracts.training import SessionTime
from shared.sealing import seal
from shared.wita import WITA
from tests.desk import Caller, Member
from tests.kernel.locks import until_waiting
from tests.training.office import Office
from tests.training.test_api import batch_form, course_form


@pytest.fixture
async def member(office: Office) -> Member:
    owner = office.story.owner(name="Ni'matul Ḥusnā, S.E.")
    business = office.business(owner.fact.aggregate_id)
    await office.tell(owner, business)
    return Member(owner.fact.aggregate_id, business.fact.aggregate_id)


async def pass_training(office: Office, clerk: Caller, *members: Member) -> tuple[str, list[str]]:
    """Let members pass a course of a partner, and return the batch and their enrolments."""
    programme = await clerk.new("/programmes", {"code": "DIGI", "title": "Digitalisasi UMKM"})
    course = await clerk.new("/courses", course_form(programme))
    batch = await clerk.new(f"/courses/{course}/batches", batch_form(quota=50))
    enrolments = [await clerk.new(f"/batches/{batch}/enrolments", member.form()) for member in members]
    for session in (1, 2):
        listed = [{"enrolment_id": enrolment, "present": True} for enrolment in enrolments]
        await clerk.post(f"/batches/{batch}/sessions/{session}/attendance", {"presences": listed})
    marks = {"marks": [{"enrolment_id": enrolment} for enrolment in enrolments]}
    (await clerk.post(f"/batches/{batch}/results", marks)).raise_for_status()
    return batch, enrolments


@pytest.fixture
async def certificate(office: Office, clerk: Caller, member: Member) -> str:
    _, (enrolment,) = await pass_training(office, clerk, member)
    return await clerk.new(f"/enrolments/{enrolment}/certificate", None)


async def shown(clerk: Caller, certificate: str) -> dict[str, Any]:
    found: dict[str, Any] = (await clerk.get(f"/certificates/{certificate}")).raise_for_status().json()
    return found


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF of one page, on one line."""
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        (page,) = document
        return re.sub(r"\s+", " ", page.get_textpage().get_text_range())


async def test_the_pdf_says_who_passed_what_and_where_to_check_it(clerk: Caller, certificate: str) -> None:
    answer = await clerk.get(f"/certificates/{certificate}/pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    number = "0001/DIGI/DKUMKMP/2026"
    assert answer.headers["Content-Disposition"].endswith('-DIGI-DKUMKMP-2026.pdf"')
    code = (await shown(clerk, certificate))["code"]
    text = text_of(answer.content)
    for said in (
        number,
        "Ni'matul Ḥusnā, S.E.",
        "Pemasaran Digital",
        "IPEMI Balikpapan",
        "5 Oktober 2026 sampai 6 Oktober 2026",
        "hadir 2 dari 2 sesi",
        "Versi 1",
        show_code(code),
        f"https://naikkelas.example/training/sertifikat/{show_code(code)}",
    ):
        assert said in text.replace("’", "'"), said
    assert b"<pdfaid:part>2</pdfaid:part>" in answer.content
    assert answer.content == (await clerk.get(f"/certificates/{certificate}/pdf")).content


async def test_a_name_is_text_and_never_markup(office: Office, clerk: Caller) -> None:
    hostile = '#panic("x") $x$ *tebal* `kode` \\ "kutip" <b>&'
    owner = office.story.owner(name=hostile)
    business = office.business(owner.fact.aggregate_id)
    await office.tell(owner, business)
    person = Member(owner.fact.aggregate_id, business.fact.aggregate_id)
    _, (enrolment,) = await pass_training(office, clerk, person)
    made = await clerk.new(f"/enrolments/{enrolment}/certificate", None)
    pdf = await clerk.get(f"/certificates/{made}/pdf")
    assert '#panic("x") $x$ *tebal*' in text_of(pdf.content).replace("“", '"').replace("”", '"')
    page = await office.caller().get(f"/sertifikat/{(await shown(clerk, made))['code']}")
    assert "&lt;b&gt;&amp;" in page.text


async def test_two_certificates_are_refused_and_a_new_edition_keeps_the_number(
    office: Office, clerk: Caller, member: Member, certificate: str
) -> None:
    before = await shown(clerk, certificate)
    enrolment = await office.pool.fetchval("SELECT enrolment_id FROM certificate WHERE id = $1", UUID(certificate))
    again = await clerk.post(f"/enrolments/{enrolment}/certificate")
    assert (again.status_code, again.json()["number"]) == (409, before["number"])
    assert "versi baru" in again.json()["detail"]
    corrected = OwnerPersonal(name="Ni'matul Husna", nik="6471014107809900")
    fact = OwnerContactChanged(
        owner_id=member.owner_id, personal=seal(office.keys.key(member.owner_id), member.owner_id, corrected)
    )
    await office.tell(office.story.event(fact))
    assert (await clerk.post(f"/certificates/{certificate}/reissue", None, 9)).status_code == 412
    assert (await clerk.post(f"/certificates/{certificate}/reissue", None, 1)).json()["version"] == 2
    after = await shown(clerk, certificate)
    assert (after["number"], after["code"], after["edition"]) == (before["number"], before["code"], 2)
    texts = [text_of((await clerk.get(f"/certificates/{certificate}/pdf?edition={n}")).content) for n in (1, 2)]
    assert "Ḥusnā" in texts[0]
    assert "Husna" in texts[1]
    assert (await clerk.get(f"/certificates/{certificate}/pdf?edition=3")).status_code == 404
    assert await office.facts(UUID(certificate)) == [("certificate.issued", 1), ("certificate.reissued", 2)]
    await office.check_whole()


async def test_a_batch_gets_its_certificates_once(office: Office, clerk: Caller) -> None:
    batch, enrolments = await pass_training(office, clerk, *await office.members(3))
    issued = (await clerk.post(f"/batches/{batch}/certificates")).json()["items"]
    assert len(issued) == 3
    assert (await clerk.post(f"/batches/{batch}/certificates")).json() == {"items": []}
    numbers = [(await shown(clerk, item["id"]))["number"] for item in issued]
    assert numbers == [f"000{n}/DIGI/DKUMKMP/2026" for n in (1, 2, 3)]
    await office.check_whole()


async def test_the_certificates_of_a_batch_wait_for_who_is_being_erased_and_leave_them_out(
    office: Office, clerk: Caller
) -> None:
    gone, other = await office.members(2)
    batch, _ = await pass_training(office, clerk, gone, other)
    async with office.pool.acquire() as connection, connection.transaction():
        await office.record(connection, [office.story.erased(gone.owner_id)])
        issuing = asyncio.create_task(clerk.post(f"/batches/{batch}/certificates"))
        await until_waiting(office.pool, unless=issuing)
    assert len((await issuing).raise_for_status().json()["items"]) == 1
    editions = await office.pool.fetch("SELECT owner_id, personal IS NOT NULL AS named FROM certificate_edition")
    assert [tuple(row) for row in editions] == [(other.owner_id, True)]
    await office.check_whole()


async def test_anybody_checks_a_code_and_sees_what_the_certificate_says_and_no_more(
    office: Office, clerk: Caller, member: Member, certificate: str
) -> None:
    found = await shown(clerk, certificate)
    anybody = office.caller()
    typed = f" {show_code(found['code']).lower()} "
    checked = await anybody.get(f"/certificates/check/{typed}")
    assert checked.json() == {
        "valid": True,
        "number": found["number"],
        "edition": 1,
        "holder": "Ni'matul Ḥusnā, S.E.",
        "title": "Pemasaran Digital",
        "programme": "Digitalisasi UMKM",
        "held_by": "IPEMI Balikpapan",
        "days": "5 Oktober 2026 sampai 6 Oktober 2026",
        "issued_on": found["issued_on"],
    }
    page = await anybody.get(f"/sertifikat/{show_code(found['code'])}")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "Sertifikat berlaku" in page.text
    assert "Ni&#39;matul" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for secret in (str(member.owner_id), str(member.business_id), "6471014107809900", "+6281200000001", "@"):
        assert secret not in page.text + checked.text
    assert (await anybody.get("/assets/naikkelas.css")).status_code == 200
    assert (await anybody.get("/sertifikat/?kode=" + found["code"])).text == page.text


async def test_a_wrong_code_is_said_to_be_wrong(office: Office, certificate: str) -> None:
    anybody = office.caller()
    page = await anybody.get("/sertifikat/AAAA-BBBB-CCCC")
    assert (page.status_code, "Tidak ada sertifikat dengan kode AAAA-BBBB-CCCC" in page.text) == (404, True)
    assert (await anybody.get("/certificates/check/AAAABBBBCCCC")).status_code == 404
    assert (await anybody.get(f"/sertifikat/{certificate}")).status_code == 404
    assert (await anybody.get("/sertifikat/")).status_code == 200
    led = await anybody.get("/sertifikat?kode=ABC")
    assert (led.status_code, led.headers["location"]) == (303, "sertifikat/?kode=ABC")


async def test_what_was_taken_back_is_shown_as_such_and_not_printed(
    office: Office, clerk: Caller, certificate: str
) -> None:
    code = (await shown(clerk, certificate))["code"]
    assert (await clerk.post(f"/certificates/{certificate}/revocation", {"cause": "salah_data"}, 1)).status_code == 200
    again = await clerk.post(f"/certificates/{certificate}/revocation", {"cause": "salah_data"}, 2)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "sertifikat-dicabut")
    assert (await clerk.post(f"/certificates/{certificate}/reissue", None, 2)).status_code == 409
    assert (await clerk.get(f"/certificates/{certificate}/pdf")).status_code == 409
    anybody = office.caller()
    assert (await anybody.get(f"/certificates/check/{code}")).json()["valid"] is False
    assert "Sertifikat dicabut" in (await anybody.get(f"/sertifikat/{code}")).text
    assert await office.facts(UUID(certificate)) == [("certificate.issued", 1), ("certificate.revoked", 2)]


async def test_an_erased_owners_certificate_still_holds_and_names_nobody(
    office: Office, clerk: Caller, member: Member, certificate: str
) -> None:
    code = (await shown(clerk, certificate))["code"]
    await office.tell(office.story.erased(member.owner_id))
    assert await office.pool.fetchval("SELECT count(*) FROM certificate_edition WHERE personal IS NOT NULL") == 0
    checked = (await office.caller().get(f"/certificates/check/{code}")).json()
    assert (checked["valid"], checked["holder"]) == (True, None)
    assert "dihapus atas permintaan pemiliknya" in (await office.caller().get(f"/sertifikat/{code}")).text
    assert (await clerk.get(f"/certificates/{certificate}/pdf")).status_code == 410
    assert (await clerk.post(f"/certificates/{certificate}/reissue", None, 1)).status_code == 410


async def test_a_registry_that_is_away_stops_the_print_and_not_the_check(
    office: Office, clerk: Caller, certificate: str
) -> None:
    code = (await shown(clerk, certificate))["code"]
    office.keys.away = True
    assert (await clerk.get(f"/certificates/{certificate}/pdf")).status_code == 503
    page = await office.caller().get(f"/sertifikat/{code}")
    assert (page.status_code, "sedang tidak dapat ditampilkan" in page.text) == (200, True)


async def test_keys_are_asked_for_with_a_purpose_only_when_a_name_is_shown(
    office: Office, clerk: Caller, certificate: str
) -> None:
    assert office.keys.asked == []
    await clerk.get(f"/certificates/{certificate}/pdf")
    assert len(office.keys.asked) == 1
    assert (await office.caller(Role.LAYANAN).get(f"/certificates/{certificate}/pdf")).status_code == 403
    assert len(office.keys.asked) == 1


SESSION = SessionTime(
    number=1,
    starts_at=datetime(2026, 12, 3, 9, tzinfo=WITA),
    ends_at=datetime(2026, 12, 3, 15, tzinfo=WITA),
)
PRINTED = Printed(
    id=uuid4(),
    version=1,
    number="0042/DIGI/DKUMKMP/2026",
    code="7KQ2MHXA93PD",
    edition=1,
    newest=1,
    revoked=False,
    owner_id=uuid4(),
    personal=None,
    issued_on=date(2026, 12, 6),
    title="Pemasaran Digital",
    held_by="dinas",
    partner=None,
    programme="Digitalisasi UMKM",
    batch=1,
    place="Aula DKUMKMP",
    sessions=(SESSION,),
    score=88,
    attended=1,
    kelurahan="64.71.01.1001",
)


def longest(words: str, length: int) -> str:
    """Return words over and over, up to a length."""
    return (f"{words} " * length)[:length].strip()


def test_a_certificate_is_one_page_whatever_stands_on_it() -> None:
    crowded = replace(
        PRINTED,
        title=longest("Pengemasan dan Pemasaran", 120),
        programme=longest("Digitalisasi Usaha Mikro", 120),
        partner=longest("Ikatan Wanita Pengusaha", 120),
        place=longest("Gedung Parkir Klandasan", 120),
    )
    name = longest("Raden Ajeng Siti Nurhaliza", 100)
    text = text_of(Printer("https://naikkelas.example").render(crowded, name))
    for said in (name, crowded.title, crowded.programme, crowded.partner, crowded.place, "7KQ2-MHXA-93PD"):
        assert said is not None
        assert said in text


def test_the_printed_qr_code_is_read_by_a_reader_and_leads_to_the_page() -> None:
    pdf = Printer("https://naikkelas.balikpapan.example/training").render(PRINTED, "Siti Aminah")
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        pixels = document[0].render(scale=2, grayscale=True).to_numpy()
    (found,) = zxingcpp.read_barcodes(pixels.reshape(pixels.shape[:2]))
    assert found.text == "https://naikkelas.balikpapan.example/training/sertifikat/7KQ2-MHXA-93PD"
