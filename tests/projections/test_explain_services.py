"""Every number of trainings, exhibitions, mentoring and help adds up to its businesses, and each of these has its facts."""

from __future__ import annotations

from typing import Any

import pytest

from services.projections.domain.figures import EquityDimension, OutcomeDimension
from shared.auth import Role
from tests.projections.conftest import Office
from tests.projections.test_figures import MANGGAR, A, ask, told

__all__ = ["told"]


async def explained(office: Office, address: str, kelurahan: str | None) -> dict[str, Any]:
    """Return a number with all its pages, each of two businesses."""
    found = await ask(office, f"/explain/{address}", kelurahan, limit=2)
    items = found["items"]
    while found["next_after"]:
        found = await ask(office, f"/explain/{address}", kelurahan, limit=2, after=found["next_after"])
        items += found["items"]
    return {**found, "items": items}


AN_ID, KEYS = "0190f0c0-a000-7000-8000-00000000abcd", ("program", "pelatihan", "angkatan")
WEEKS = {"since": "2026-03-04", "until": "2026-03-24"}
ANSWERS = [
    *(("/trainings/outcome", {"by": by.value}) for by in OutcomeDimension),
    *(("/equity", {"by": by.value}) for by in EquityDimension),
    ("/exhibitions/turnover", {}),
    ("/mentoring/activity", WEEKS),
]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("kelurahan", [None, MANGGAR])
@pytest.mark.parametrize(("path", "params"), ANSWERS)
async def test_every_number_adds_up_to_its_businesses_and_each_has_facts(
    office: Office, path: str, params: dict[str, str], kelurahan: str | None
) -> None:
    shown = await ask(office, path, kelurahan, **params)
    rows = shown.get("items") or [*shown["buckets"], shown["unknown"], shown["total"]]
    for row in rows:
        for name, address in row["addresses"].items():
            if kelurahan is not None and kelurahan not in address:
                assert row[name] == 0  # another place than the officer's: nothing is counted, and nothing explained
                continue
            found = await explained(office, address, kelurahan)
            assert (address, found["address"], found["total"]) == (address, address, row[name])
            assert sum(item["amount"] for item in found["items"]) == row[name]
            assert len({item["business_id"] for item in found["items"]}) == len(found["items"]) == found["businesses"]
            assert all(item["events"] for item in found["items"]), address


@pytest.mark.usefixtures("told")
async def test_the_facts_behind_help_are_those_that_gave_it(office: Office) -> None:
    names = {"dilatih": {"attendance.recorded", "training.completed"}, "didampingi": {
        "mentoring.started", "mentoring.visited", "mentoring.handed_over", "mentoring.ended"
    }}  # fmt: skip
    for number, allowed in names.items():
        found = await explained(office, f"service_equity/angka={number}", None)
        told = [event for item in found["items"] for event in item["events"]]
        assert {event["type"] for event in told} <= allowed
        assert {event["topic"] for event in told} <= {"umkm.enrolment", "umkm.mentoring"}
    # E went into A: what helped E stands behind A.
    trained = await explained(office, f"service_equity/{MANGGAR}/angka=dilatih", None)
    assert [(item["business_id"], len(item["events"])) for item in trained["items"]] == [(str(A), 4)]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("exhibition_turnover/angka=ikut", "Bagian pameran belum disebut"),
        ("exhibition_turnover/pameran=bazar", "Nilai pameran"),
        ("exhibition_turnover/pameran=0190f0c0-a000-7000-8000-00000000abcd/angka=omzet", "belum_lapor"),
        ("mentoring_activity/pekan=2026-03-04", "Bagian pendamping belum disebut"),
        ("training_outcome/program=semua", "Nilai program"),
        *((f"training_outcome/{key}=2026", f"misalnya {AN_ID} atau TIDAK_DIKETAHUI") for key in KEYS),
        (f"training_outcome/tahun={AN_ID}", "misalnya 2026 atau TIDAK_DIKETAHUI"),
        ("training_outcome/tahun=26", "misalnya 2026 atau TIDAK_DIKETAHUI"),
    ],
)
async def test_an_address_that_names_no_number_is_refused_with_what_may_stand_there(
    office: Office, address: str, said: str
) -> None:
    async with office.client(Role.PETUGAS_DINAS) as client:
        answer = await client.get(f"/explain/{address}")
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("key", [*KEYS, "tahun"])
async def test_what_is_not_known_yet_is_a_value_of_every_key(office: Office, key: str) -> None:
    own = "2026" if key == "tahun" else AN_ID
    for value in ("TIDAK_DIKETAHUI", own):
        found = await explained(office, f"training_outcome/{key}={value}", None)
        assert found["address"] == f"training_outcome/{key}={value}"
