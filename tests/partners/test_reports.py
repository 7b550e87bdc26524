"""The disclosure log: exactly what was given, to whom, under which text; for an owner, and between two instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.cli import disclosures as command
from services.partners.handlers import reporting
from services.partners.handlers.ticking import Ticker
from shared.auth import Role
from tests.desk import MANGGAR, PRAPATAN, rule_of
from tests.partners.bureau import NAMES, REGISTERED, VERIFIED, Bureau, agreement_form


async def report(bureau: Bureau, path: str, **params: Any) -> Any:
    """Return what the operator is told."""
    return (await bureau.operator().client.get(path, params=params)).raise_for_status().json()


async def owner_of(bureau: Bureau, business_id: UUID) -> UUID:
    found: list[UUID] = await bureau.pool.fetchval(
        "SELECT owner_ids FROM business_copy WHERE business_id = $1", business_id
    )
    return found[0]


@pytest.mark.security(line="S13")
async def test_an_owner_is_told_each_event_each_field_and_the_text_it_was_given_under(bureau: Bureau) -> None:
    agreement = await bureau.agree({VERIFIED: ["business_id"], REGISTERED: ["business_id", "kelurahan"]})
    mine, others = (await bureau.businesses(1))[0], (await bureau.businesses(1))[0]
    await bureau.hear(bureau.story.verified(mine), bureau.story.verified(others))
    owner_id = await owner_of(bureau, mine)
    assert (await report(bureau, f"/disclosures/owners/{owner_id}"))["items"] == []
    await bureau.read_all()
    found = (await report(bureau, f"/disclosures/owners/{owner_id}"))["items"]
    # The fact that it was verified names no owner: it is known by the business.
    assert [(item["event"]["type"], item["event"]["fields"]) for item in found] == [
        (REGISTERED, ["business_id", "kelurahan"]),
        (VERIFIED, ["business_id"]),
    ]
    assert {(item["agency"], item["agreement_id"], item["revision"]) for item in found} == {("dpmptsp", agreement, 1)}
    assert {item["event"]["business_id"] for item in found} == {str(mine)}


async def test_what_a_filter_kept_back_and_what_was_never_read_is_not_in_it(bureau: Bureau) -> None:
    await bureau.agree(kelurahan=[MANGGAR])
    outside = (await bureau.businesses(1, kelurahan=PRAPATAN))[0]
    inside = (await bureau.businesses(1))[0]
    await bureau.read_all()
    unread = (await bureau.businesses(1))[0]
    told = [
        len((await report(bureau, f"/disclosures/owners/{await owner_of(bureau, key)}"))["items"])
        for key in (outside, inside, unread)
    ]
    assert told == [0, 1, 0]


async def test_names_that_were_withheld_were_not_given(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    owner = bureau.story.owner()
    owner_id = owner.fact.aggregate_id
    await bureau.hear(owner)
    await bureau.read_all("owner")
    await bureau.hear(bureau.story.erased(owner_id))
    await bureau.read_all("owner")
    found = (await report(bureau, f"/disclosures/owners/{owner_id}"))["items"]
    assert [item["event"]["fields"] for item in found] == [["owner_id", "personal.name"], ["owner_id"]]


async def test_each_page_is_told_under_the_text_of_then_also_when_the_events_are_gone(bureau: Bureau) -> None:
    agreement = await bureau.agree({REGISTERED: ["business_id"]})
    await bureau.businesses(1)
    await bureau.read_all()
    between = datetime.now(UTC)
    form = {
        key: value for key, value in agreement_form({REGISTERED: ["business_id", "sector"]}).items() if key != "agency"
    }
    await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
    await bureau.sign_twice(agreement)
    await bureau.read_all()
    later = datetime.now(UTC) + timedelta(seconds=1)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    assert await bureau.pool.fetchval("SELECT count(*) FROM event_body") == 0
    since = (between - timedelta(hours=1)).isoformat()
    whole = await report(bureau, "/disclosures", since=since, until=later.isoformat())
    told = [(page["revision"], page["events"][0]["fields"]) for page in whole["items"]]
    assert told == [(1, ["business_id"]), (2, ["business_id", "sector"])]
    late = await report(bureau, "/disclosures", since=between.isoformat(), until=later.isoformat())
    assert [page["revision"] for page in late["items"]] == [2]
    first = await report(bureau, "/disclosures", since=since, until=later.isoformat(), limit=1)
    rest = await report(bureau, "/disclosures", since=since, until=later.isoformat(), limit=1, after=first["next"])
    assert first["items"] + rest["items"] == whole["items"]
    assert rest["next"] is None


async def test_the_log_counts_as_many_events_as_agencies_have_read(bureau: Bureau) -> None:
    read = 0
    for agency, places in (("satu", [MANGGAR]), ("dua", [PRAPATAN]), ("tiga", [])):
        await bureau.agree(agency=agency, kelurahan=places)
    await bureau.businesses(7)
    await bureau.businesses(4, kelurahan=PRAPATAN)
    for agency in ("satu", "dua", "tiga"):
        read += len(await bureau.read_all(agency=agency, limit=3))
    assert read == 22
    params = {"since": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z", "limit": 200}
    pages = (await report(bureau, "/disclosures", **params))["items"]
    assert sum(len(page["events"]) for page in pages) == read
    assert await bureau.pool.fetchval("SELECT sum(events) FROM disclosure") == read


async def test_agencies_and_officers_do_not_read_the_log(bureau: Bureau) -> None:
    for caller in (bureau.agency(), bureau.caller(Role.PETUGAS_DINAS)):
        answer = await caller.get("/disclosures?since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z")
        assert rule_of(answer) == (403, "tidak-berhak")


@pytest.mark.parametrize(
    ("table", "column"),
    [("disclosure", "agency"), ("agreement_text", "terms"), ("signature", "signer"), ("event", "owner_ids")],
)
@pytest.mark.security(line="S13")
async def test_the_running_login_can_neither_change_nor_delete_what_was_told(
    bureau: Bureau, table: str, column: str
) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bureau.pool.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bureau.pool.execute(f"UPDATE {table} SET {column} = {column}")


async def test_an_answer_ends_where_it_holds_enough_and_says_where_to_go_on(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bureau.agree(kelurahan=[MANGGAR])
    await bureau.businesses(3)
    await bureau.businesses(9, kelurahan=PRAPATAN)  # what is read and did not pass counts too
    await bureau.businesses(3)
    await bureau.read_all(limit=2)
    params: dict[str, Any] = {"since": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z", "limit": 200}
    whole = await report(bureau, "/disclosures", **params)
    assert (whole["next"], sum(len(page["events"]) for page in whole["items"])) == (None, 6)
    monkeypatch.setattr(reporting, "MOST_EVENTS", 4)
    answers = [await report(bureau, "/disclosures", **params)]
    while (after := answers[-1]["next"]) is not None:
        answers.append(await report(bureau, "/disclosures", **params, after=after))
    assert [item for answer in answers for item in answer["items"]] == whole["items"]
    assert len(answers) > 1


def test_the_command_asks_for_small_pages_and_waits_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[dict[str, Any], float]] = []

    def answer(service: str, path: str, params: dict[str, Any], *, as_json: bool, seconds: float) -> tuple[Any, str]:
        assert (service, path, as_json) == ("partners", "/disclosures", True)
        asked.append((params, seconds))
        return {"items": [], "next": None if params["after"] else 7}, ""

    monkeypatch.setattr(command, "ask_service", answer)
    command.between("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z", json=True)
    assert [params["after"] for params, _ in asked] == [0, 7]
    assert all(params["limit"] <= 50 and seconds >= 60 for params, seconds in asked)
