"""What operators do to parked events: once, in the right order, with a row in the trail; and what may be seen of their content."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.consumer import apply_batch, redrive_requested
from shared.contracts import CONTRACTS
from shared.contracts.privacy import AGENCY, PUBLIC, privacy_of
from shared.contracts.registry import BusinessRegistered
from shared.contracts.schemas import example, schema_of
from shared.parked import (
    AlreadyAskedError,
    AlreadyDiscardedError,
    AlreadyRedrivenError,
    NothingToRedriveError,
    Order,
    PersonalReasonError,
    WaitsForAnotherError,
    discard_one,
    list_parked,
    redrive_all,
    redrive_one,
    shown,
)
from shared.parked.showing import FREE, NESTED, SEALED, WRONG
from shared.refusals import NotFoundError
from shared.trail import read_newest
from shared.trail.keeping import NEWEST
from tests.kernel.conftest import KernelDatabase
from tests.kernel.test_applying import Effects, effects, items

ORDER = Order("operator-a", "cli", "aturan sudah diperbaiki")


async def stuck(connection: Any, work: Effects, thing: UUID) -> dict[str, int]:
    """Let the first of three events of a thing be poison; return the ids of what is parked by kind, ``behind`` the last one."""
    work.poison = {(str(thing), 1)}
    await apply_batch(connection, work.definition, items((thing, 1), (thing, 2), (thing, 3)))
    return {row.kind: row.id for row in await list_parked(connection, "tester", 0, 10)}


async def deeds(connection: Any) -> list[tuple[str, str]]:
    return [(entry.deed, entry.thing) for entry in reversed(await read_newest(connection, NEWEST, 10))]


async def test_a_redrive_is_asked_for_once_and_what_was_redriven_is_told_as_such(kernel_db: KernelDatabase) -> None:
    thing, work = uuid4(), Effects()
    async with kernel_db.connection() as connection:
        parked = await stuck(connection, work, thing)
        work.poison = set()
        assert await redrive_one(connection, "tester", parked["behind"], ORDER) == 3
        for number in parked.values():
            with pytest.raises(AlreadyAskedError, match="sudah diminta pada"):
                await redrive_one(connection, "tester", number, ORDER)
        with pytest.raises(NothingToRedriveError):
            await redrive_all(connection, "tester", ORDER)
        assert await redrive_requested(kernel_db.pool, work.definition) == 3
        assert [(thing, number) for number in (1, 2, 3)] == await effects(connection)
        for deed in (redrive_one, discard_one):
            with pytest.raises(AlreadyRedrivenError, match="diminta operator-a"):
                await deed(connection, "tester", parked["behind"], ORDER)
        with pytest.raises(NotFoundError):
            await redrive_one(connection, "tester", parked["poison"], ORDER)
        assert await deeds(connection) == [("redrive", f"parked/{parked['behind']}")]


async def test_what_fails_again_is_parked_under_a_new_number_and_may_be_redriven_again(
    kernel_db: KernelDatabase,
) -> None:
    thing, work = uuid4(), Effects()
    async with kernel_db.connection() as connection:
        first = await stuck(connection, work, thing)
        assert await redrive_all(connection, "tester", ORDER, thing) == 3
        assert await redrive_requested(kernel_db.pool, work.definition) == 0
        again = {row.kind: row.id for row in await list_parked(connection, "tester", 0, 10)}
        assert again["poison"] not in first.values()
        assert await redrive_one(connection, "tester", again["poison"], ORDER) == 3
        assert await deeds(connection) == [("redrive", "parked"), ("redrive", f"parked/{again['poison']}")]


async def test_only_what_stands_in_the_way_is_discarded_and_then_nothing_brings_it_back(
    kernel_db: KernelDatabase,
) -> None:
    thing, work = uuid4(), Effects()
    async with kernel_db.connection() as connection:
        parked = await stuck(connection, work, thing)
        with pytest.raises(WaitsForAnotherError, match="putar ulang atau buang yang menghalanginya"):
            await discard_one(connection, "tester", parked["behind"], ORDER)
        with pytest.raises(NotFoundError):
            await discard_one(connection, "another", parked["poison"], ORDER)
        await discard_one(connection, "tester", parked["poison"], ORDER)
        for deed in (redrive_one, discard_one):
            with pytest.raises(AlreadyDiscardedError, match="tidak dapat diputar ulang"):
                await deed(connection, "tester", parked["poison"], ORDER)
        assert await redrive_requested(kernel_db.pool, work.definition) == 2
        assert [(thing, 2), (thing, 3)] == await effects(connection)
        assert await connection.fetchval("SELECT reason FROM parked_history WHERE action = 'discarded'") == ORDER.reason
        assert await deeds(connection) == [("discard", f"parked/{parked['poison']}")]


@pytest.mark.parametrize("reason", ["pemilik 6471014107909901", "hubungi 0812-0000-1234", "siti@contoh.example"])
async def test_a_reason_with_something_personal_is_refused_before_anything_is_done(
    kernel_db: KernelDatabase, reason: str
) -> None:
    work = Effects()
    async with kernel_db.connection() as connection:
        parked = await stuck(connection, work, uuid4())
        for deed in (redrive_one, discard_one):
            with pytest.raises(PersonalReasonError):
                await deed(connection, "tester", parked["poison"], Order("a", "cli", reason))
        with pytest.raises(PersonalReasonError):
            await redrive_all(connection, "tester", Order("a", "cli", reason))
        assert await deeds(connection) == []


TYPE = BusinessRegistered.type_name()
FULL = example(schema_of(BusinessRegistered), full=True)


def test_of_a_content_only_what_the_contract_opens_and_what_fits_it_is_shown() -> None:
    seen = shown(json.dumps(FULL | {"Siti Aminah": "x"}).encode(), TYPE)
    assert (seen.readable, seen.unknown_fields) == (True, 1)
    opened = {n for n in BusinessRegistered.model_fields if privacy_of(BusinessRegistered, n) in (PUBLIC, AGENCY)}
    assert {name for name, value in seen.fields.items() if value == SEALED} == set(FULL) - opened
    assert seen.fields["kelurahan"] == FULL["kelurahan"]
    for name in ("Siti Aminah", "aminah", "siti.aminah"):
        names = shown(json.dumps(dict.fromkeys(FULL, name)).encode(), TYPE)
        assert set(names.fields.values()) == {SEALED, WRONG, FREE}


@pytest.mark.parametrize("levels", [300, 950])
def test_a_content_of_any_depth_is_not_looked_into(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    seen = shown(f'{{"kelurahan": {deep}, "business_id": {deep}}}'.encode(), TYPE)
    assert set(seen.fields.values()) == {NESTED}


@pytest.mark.parametrize("value", [None, b"", b"Siti Aminah", b'["Siti Aminah"]', b"\xff\xfe", b'"Siti"', b"null"])
@pytest.mark.parametrize("kind", [TYPE, "Siti", None])
def test_a_content_that_nobody_can_vouch_for_is_its_size(value: bytes | None, kind: str | None) -> None:
    seen = shown(value, kind)
    assert (seen.size, seen.readable, seen.fields) == (len(value or b""), False, {})


def test_every_type_can_be_shown() -> None:
    for name, fact in CONTRACTS.items():
        full = example(schema_of(fact), full=True)
        seen = shown(json.dumps(full).encode(), name)
        assert set(seen.fields) == set(full), name
        assert WRONG not in seen.fields.values(), name
