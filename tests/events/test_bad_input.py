"""What the exhibitions refuse, each by HTTP with the rule's name, the values it compared and an Indonesian sentence."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.organisations import OrganisationRole
from tests.desk import Caller, Wrong, how_refused
from tests.events.fair import Fair
from tests.events.test_api import FUTURE, RARE, WAVE, exhibition_form, through

NAMED = {"partner": None}
INVALID = "isi-tidak-sah"
NO_ZONE = "harus menyebut zona waktu"


def asked(**changes: Any) -> dict[str, Any]:
    return exhibition_form(criteria=[{"code": "resmi", "kind": "legalitas", "weight": 1, **changes}])


def outlet(**changes: Any) -> dict[str, Any]:
    return {"title": "Pawon Colang Caling", "held_by": "mitra", "place": "Pasar Klandasan", "stalls": 2, **changes}


def there(*applications: str, present: bool = True) -> dict[str, Any]:
    return {"presences": [{"application_id": item, "present": present} for item in applications]}


def scores(application: str, **given: Any) -> dict[str, Any]:
    return {"judgements": [{"application_id": application, "scores": given}]}


OPEN = "POST /exhibitions"
BOOTHS = "POST /exhibitions/{exhibition}/booths"
CAPACITY = "PUT /booths/{booth}/capacity"
ATTENDANCE = "POST /exhibitions/{exhibition}/attendance"
SCORES = "POST /exhibitions/{other}/scores"
SALES = "POST /applications/{first}/sales"
MOVE = "POST /applications/{second}/move"
UNFIT = "isi tidak sesuai jenis legalitas"

WRONG: dict[str, Wrong] = {
    "an exhibition that ends before it begins": Wrong(
        OPEN, exhibition_form(starts_on="2026-12-02", ends_on="2026-12-01"), 422, "tanggal-terbalik",
        {"starts_on": "2026-12-02", "ends_on": "2026-12-01"},
        "Pameran berakhir 1 Desember 2026, sebelum mulai 2 Desember 2026.",
    ),
    "an exhibition without waves": Wrong(
        OPEN, exhibition_form(waves=[]), 422, "tanpa-gelombang", {"waves": 0}, "sekurang-kurangnya satu gelombang",
    ),
    "a wave that ends before it begins": Wrong(
        OPEN, exhibition_form(waves=[{"starts_at": WAVE["ends_at"], "ends_at": WAVE["starts_at"]}]), 422,
        "waktu-gelombang",
        {"wave": 1, "starts_at": "2026-10-06T21:00:00+08:00", "ends_at": "2026-10-05T09:00:00+08:00"},
        "berakhir sebelum mulai",
    ),
    "a deadline after the beginning": Wrong(
        OPEN, exhibition_form(closes_on="2026-10-05"), 422, "batas-setelah-mulai",
        {"closes_at": "2026-10-05T23:59:59+08:00"}, "tidak sebelum gelombang pertama",
    ),
    "a deadline without zone": Wrong(
        OPEN, exhibition_form(closes_on=None, closes_at="2026-10-04T23:59:59"), 422, INVALID, {"closes_at": NO_ZONE},
        "tidak sesuai",
    ),
    "a wave without zone": Wrong(
        OPEN, exhibition_form(waves=[{**WAVE, "starts_at": "2026-10-05T09:00:00"}]), 422, INVALID,
        {"starts_at": NO_ZONE}, "tidak sesuai",
    ),
    "a zone that is nowhere": Wrong(
        OPEN, exhibition_form(zone="Asia/Balikpapan"), 422, INVALID,
        {"zone": "zona waktu tidak dikenal; contoh: Asia/Jakarta"}, "tidak sesuai",
    ),
    "no criteria": Wrong(
        OPEN, exhibition_form(criteria=[]), 422, "kriteria-tidak-sah", {"value": 0}, "sekurang-kurangnya satu kriteria",
    ),
    "a weight of 0": Wrong(
        OPEN, exhibition_form(criteria=[{**RARE, "weight": 0}]), 422, "kriteria-tidak-sah",
        {"criterion": "jarang", "value": 0}, "bobot sekurang-kurangnya 1",
    ),
    "licences that are none": Wrong(
        OPEN, asked(values=["surat_sakti"]), 422, "kriteria-tidak-sah",
        {"criterion": "resmi", "value": ["surat_sakti"]}, UNFIT,
    ),
    "licences that are not named": Wrong(OPEN, asked(), 422, "kriteria-tidak-sah", {"value": []}, UNFIT),
    "a licence that is named twice": Wrong(
        OPEN, asked(values=["p_irt", "p_irt"]), 422, "kriteria-tidak-sah", {"value": ["p_irt", "p_irt"]}, UNFIT,
    ),
    "licences of a criterion that takes none": Wrong(
        OPEN, exhibition_form(criteria=[{**RARE, "values": ["p_irt"]}]), 422, "kriteria-tidak-sah",
        {"criterion": "jarang", "value": ["p_irt"]}, "isi tidak sesuai jenis jarang_dibantu",
    ),
    "a capacity of 0": Wrong(BOOTHS, {"capacity": 0}, 422, "kapasitas-nol", {"capacity": 0}, "Kapasitas 0 tidak sah"),
    "a capacity below 0": Wrong(CAPACITY, {"capacity": -2}, 422, "kapasitas-nol", {"capacity": -2}, "sah", 1),
    "a capacity below those placed": Wrong(
        CAPACITY, {"capacity": 1}, 409, "kapasitas-di-bawah-terisi", {"capacity": 1, "placed": 2, "kind": "umum"},
        "2 usaha sudah ditempatkan", 1,
    ),
    "attendance for a stranger": Wrong(
        ATTENDANCE, there("{stranger}"), 409, "bukan-peserta", {"application_ids": ["{stranger}"]}, "bukan dari pameran",
    ),
    "attendance for nobody": Wrong(
        ATTENDANCE, there("{nobody}"), 409, "bukan-peserta", {"application_ids": ["{nobody}"]}, "bukan dari pameran",
    ),
    "attendance for who gave up": Wrong(
        ATTENDANCE, there("{left}"), 409, "bukan-peserta", {"application_ids": ["{left}"]}, "tidak berstatus",
    ),
    "absence of who sold": Wrong(
        ATTENDANCE, there("{first}", present=False), 409, "penjualan-sudah-dilaporkan",
        {"application_ids": ["{first}"]}, "tidak dapat dicatat tidak hadir",
    ),
    "a score above 100": Wrong(
        SCORES, scores("{stranger}", kemasan=101), 422, "nilai-tidak-sah", {"criterion": "kemasan", "score": 101},
        "Nilai 101 untuk kemasan: harus 0 sampai 100.",
    ),
    "a score below 0": Wrong(
        SCORES, scores("{stranger}", kemasan=-1), 422, "nilai-tidak-sah", {"score": -1}, "harus 0 sampai 100",
    ),
    "a score for what no curator scores": Wrong(
        SCORES, scores("{stranger}", jarang=50), 422, "nilai-tidak-sah", {"criterion": "jarang", "score": 50},
        "bukan kriteria yang dinilai kurator",
    ),
    "a score for a stranger": Wrong(
        SCORES, scores("{second}", kemasan=50), 409, "bukan-peserta", {"application_ids": ["{second}"]}, "pendaftaran",
    ),
    "a score after the curation": Wrong(
        "POST /exhibitions/{exhibition}/scores", scores("{second}", kemasan=50), 409, "sudah-dikurasi",
        {"exhibition_id": "{exhibition}"}, "tidak diubah lagi",
    ),
    "negative sales": Wrong(
        SALES, {"day": "2026-10-06", "amount": -1}, 422, "penjualan-negatif", {"amount": -1}, "di bawah nol", 7,
    ),
    "sales in the future": Wrong(
        SALES, {"day": "2099-10-06", "amount": 5}, 422, "penjualan-hari-depan", {"day": "2099-10-06"},
        "Penjualan 6 Oktober 2099 belum dapat dilaporkan", 7,
    ),
    "sales on a day of another wave": Wrong(
        SALES, {"day": "2026-10-07", "amount": 5}, 422, "penjualan-di-luar-gelombang",
        {"day": "2026-10-07", "wave": 1, "first": "2026-10-05", "last": "2026-10-06"}, "di luar gelombang 1", 7,
    ),
    "sales of who was not there": Wrong(
        "POST /applications/{second}/sales", {"day": "2026-10-05", "amount": 5}, 409, "status-tidak-sesuai",
        {"current": "ditempatkan"}, "hanya yang berstatus: ikut", 4,
    ),
    "sales in half rupiah": Wrong(
        SALES, {"day": "2026-10-05", "amount": 5.5}, 422, INVALID, {"amount": "harus berupa bilangan bulat"},
        "tidak sesuai", 7,
    ),
    "a booth in another exhibition": Wrong(
        MOVE, {"booth_id": "{elsewhere}", "wave": 1}, 422, "stan-pameran-lain",
        {"booth_id": "{elsewhere}", "exhibition_id": "{exhibition}"}, "bukan bagian dari pameran yang didaftari", 4,
    ),
    "a booth of another kind": Wrong(
        MOVE, {"booth_id": "{craft}", "wave": 1}, 422, "jenis-stan-berbeda", {"booth": "kriya", "wanted": "umum"},
        "Stan ini untuk kriya", 4,
    ),
    "a booth that is full": Wrong(
        MOVE, {"booth_id": "{booth}", "wave": 2}, 409, "stan-penuh", {"booth": 1, "wave": 2, "capacity": 2},
        "sudah penuh (2 usaha)", 4,
    ),
    "a place that was given up confirmed": Wrong(
        "POST /applications/{left}/confirmation", None, 409, "status-tidak-sesuai", {"current": "mengundurkan_diri"},
        "hanya yang berstatus: ditempatkan", 5,
    ),
    "a second live application": Wrong(
        "POST /exhibitions/{other}/applications", {"owner_id": "{owner}", "business_id": "{business}"}, 409,
        "sudah-mendaftar", {"exhibition_id": "{other}", "business_id": "{business}"}, "sudah mendaftar",
    ),
    "an application of an erased owner": Wrong(
        "POST /exhibitions/{other}/applications", {"owner_id": "{erased}", "business_id": "{business of erased}"},
        410, "pemilik-dihapus", {"owner_id": "{erased}"}, "sudah dihapus",
    ),
    "a partner that is named twice": Wrong(
        OPEN, exhibition_form(partner_id="{partner}"), 422, "penyelenggara-tidak-sesuai",
        {"held_by": "mitra", "partner": "IPEMI Balikpapan", "partner_id": "{partner}"}, "disebut sekali",
    ),
    "a partner of whom nobody told": Wrong(
        OPEN, exhibition_form(partner_id="{nobody}", **NAMED), 409, "mitra-belum-dikenal",
        {"partner_id": "{nobody}"}, "coba lagi sebentar lagi",
    ),
    "a partner that ended": Wrong(
        OPEN, exhibition_form(partner_id="{ended}", **NAMED), 409, "mitra-berakhir",
        {"partner_id": "{ended}", "ended_on": "2026-11-25"}, "berakhir 25 November 2026",
    ),
    "a partner that sells holds an exhibition": Wrong(
        OPEN, exhibition_form(partner_id="{seller}", **NAMED), 409, "mitra-tanpa-peran",
        {"partner_id": "{seller}", "role": "pameran", "roles": ["tempat_jual"]},
        "bukan mitra pameran; perannya: tempat jual.",
    ),
    "a partner that exhibits holds an outlet": Wrong(
        "POST /outlets", outlet(partner_id="{partner}"), 409, "mitra-tanpa-peran",
        {"role": "tempat_jual", "roles": ["pameran"]}, "bukan mitra tempat jual",
    ),
    "an outlet of a partner of whom nobody told": Wrong(
        "POST /outlets", outlet(partner_id="{nobody}"), 409, "mitra-belum-dikenal", {"partner_id": "{nobody}"},
        "belum dikenal",
    ),
    "an outlet without stalls": Wrong(
        "POST /outlets", outlet(partner="IPEMI", stalls=0), 422, "kapasitas-nol", {"capacity": 0}, "Kapasitas 0",
    ),
    "a turn that ends before it begins": Wrong(
        "POST /outlets/{outlet}/turns", {"starts_on": "2099-10-05", "ends_on": "2099-10-01"}, 422, "tanggal-giliran",
        {"starts_on": "2099-10-05", "ends_on": "2099-10-01"}, "berakhir sebelum mulai",
    ),
}  # fmt: skip


@pytest.fixture
async def scene(fair: Fair, clerk: Caller) -> dict[str, str]:
    """A bazaar whose places are given, of which one was given up and one has sold; another; an outlet; partners of all kinds."""
    roles = OrganisationRole
    exhibition = await clerk.new("/exhibitions", exhibition_form())
    booth = await clerk.new(f"/exhibitions/{exhibition}/booths", {"capacity": 2})
    craft = await clerk.new(f"/exhibitions/{exhibition}/booths", {"capacity": 1, "kind": "kriya"})
    first, second, left, *_ = await through(fair, clerk, exhibition, 5)
    (await clerk.post(f"/applications/{first}/confirmation", None, 4)).raise_for_status()
    (await clerk.post(f"/exhibitions/{exhibition}/attendance", there(first))).raise_for_status()
    sold = {"day": "2026-10-05", "amount": 100_000}
    (await clerk.post(f"/applications/{first}/sales", sold, 6)).raise_for_status()
    (await clerk.post(f"/applications/{left}/withdrawal", {}, 4)).raise_for_status()
    other = await clerk.new("/exhibitions", exhibition_form())
    member, gone = await fair.members(2)
    await fair.tell(fair.story.erased(gone.owner_id))
    selling = await fair.organisation(roles.TEMPAT_JUAL)
    return {
        "exhibition": exhibition,
        "booth": booth,
        "craft": craft,
        "first": first,
        "second": second,
        "left": left,
        "other": other,
        "elsewhere": await clerk.new(f"/exhibitions/{other}/booths", {"capacity": 9}),
        "stranger": await clerk.new(f"/exhibitions/{other}/applications", member.form()),
        "owner": str(member.owner_id),
        "business": str(member.business_id),
        "erased": str(gone.owner_id),
        "business of erased": str(gone.business_id),
        "nobody": str(uuid4()),
        "partner": str(await fair.organisation(roles.PAMERAN)),
        "ended": str(await fair.organisation(roles.PAMERAN, ended=True)),
        "seller": str(selling),
        "outlet": await clerk.new("/outlets", outlet(partner_id=str(selling))),
    }


async def test_bad_input_is_refused_with_rule_values_and_sentence_and_changes_nothing(
    fair: Fair, clerk: Caller, scene: dict[str, str]
) -> None:
    before = await fair.facts()
    differing = {what: await how_refused(clerk, wrong, scene) for what, wrong in WRONG.items()}
    assert {what: found for what, found in differing.items() if found} == {}
    assert await fair.facts() == before
    await fair.check_whole()


async def test_what_a_known_partner_holds_names_it_and_keeps_what_it_was_called(
    fair: Fair, clerk: Caller, scene: dict[str, str]
) -> None:
    form = exhibition_form(partner=None, partner_id=scene["partner"])
    shown = (await clerk.get(f"/exhibitions/{await clerk.new('/exhibitions', form)}")).json()
    assert (shown["partner_id"], shown["partner"]) == (scene["partner"], "IPEMI Balikpapan")
    old = (await clerk.get(f"/exhibitions/{scene['exhibition']}")).json()
    assert (old["partner_id"], old["partner"]) == (None, "IPEMI Balikpapan")
    held = (await clerk.get(f"/outlets/{scene['outlet']}")).json()
    assert (held["partner_id"], held["partner"]) == (scene["seller"], "IPEMI Balikpapan")
    told = await fair.pool.fetch("SELECT data FROM outbox WHERE data LIKE '%partner_id%' ORDER BY id")
    named = [row["data"] for row in told if f'"partner_id":"{scene["partner"]}"' in row["data"]]
    assert len(named) == 1


async def test_a_closed_exhibition_takes_no_applications(fair: Fair, clerk: Caller) -> None:
    """The office's own, whose deadline counts; a partner's lists come when they come."""
    form = exhibition_form(held_by="dinas", partner=None, closes_on="2026-10-04", waves=[FUTURE], criteria=[RARE])
    made = await clerk.new("/exhibitions", form)
    member = await fair.member()
    wrong = Wrong(
        f"POST /exhibitions/{made}/applications",
        member.form(),
        409,
        "pendaftaran-ditutup",
        {"closes_at": "2026-10-04T15:59:59+00:00"},
        "ditutup 4 Oktober 2026 pukul 23.59 WITA",
    )
    assert await how_refused(clerk, wrong, {}) == {}
