"""Consent withdrawn, or the use of data restricted: names that wait already do not leave, by feed and by webhook."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from shared.contracts.registry import Consents, OwnerConsentChanged, OwnerContactChanged, OwnerPersonal
from shared.sealing import seal
from tests.partners.bureau import NAMES, Bureau
from tests.partners.receiving import Posted, agree_and_register, delivering, make_deliverer, receiving, until

RESTRICTED = {"restricted": True}
CASES = [
    pytest.param("persetujuan", {}, id="consent withdrawn"),
    pytest.param("persetujuan", RESTRICTED, id="restricted, by consent"),
    pytest.param("kewajiban_hukum", RESTRICTED, id="restricted, by law"),
    pytest.param("perjanjian", RESTRICTED, id="restricted, by contract"),
]


async def told(bureau: Bureau, owner_id: UUID, *, sharing: bool, **more: Any) -> None:
    """Let the registry tell what an owner agrees to now."""
    consents = Consents(data_sharing=sharing)
    await bureau.hear(
        bureau.story.event(OwnerConsentChanged(owner_id=owner_id, consents=consents, language="id", **more))
    )


@pytest.mark.parametrize(("basis", "stop"), CASES)
async def test_the_next_page_of_the_feed_has_no_name_any_more(
    bureau: Bureau, basis: str, stop: dict[str, bool]
) -> None:
    await bureau.agree(NAMES, legal_basis=basis)
    owner = bureau.story.owner()
    owner_id = owner.fact.aggregate_id
    await bureau.hear(owner)
    seen = []
    for sharing, more in ((True, {}), (False, stop), (True, {})):
        await told(bureau, owner_id, sharing=sharing, **more)
        seen.append("personal" in (await bureau.read_all("owner"))[0].get_data())
    assert seen == [True, False, True]
    withheld = await bureau.pool.fetch("SELECT withheld FROM disclosure ORDER BY id")
    assert [len(row["withheld"]) for row in withheld] == [0, 1, 0]


async def test_a_restriction_holds_though_a_later_fact_says_nothing_of_it(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    owner = bureau.story.owner()
    await bureau.hear(owner)
    await told(bureau, owner.fact.aggregate_id, sharing=False, restricted=True)
    owner_id = owner.fact.aggregate_id
    personal = seal(bureau.keys.key(owner_id), owner_id, OwnerPersonal(name="Siti Aminah"))
    changed = bureau.story.event(OwnerContactChanged(owner_id=owner_id, personal=personal))
    await bureau.hear(changed, bureau.business(owner_id))
    assert ["personal" in event.get_data() for event in await bureau.read_all()] == [False]


@pytest.mark.parametrize(("basis", "stop"), CASES)
async def test_what_waits_for_an_endpoint_leaves_without_the_name(
    bureau: Bureau, basis: str, stop: dict[str, bool]
) -> None:
    away = True

    async def answer(_: Posted) -> web.Response:
        return web.Response(status=503 if away else 200)

    async with receiving() as receiver:
        receiver.answer = answer
        await agree_and_register(bureau, receiver.url, grants=NAMES, legal_basis=basis)
        owner = bureau.story.owner(name="Siti Aminah")
        await bureau.hear(owner)
        await told(bureau, owner.fact.aggregate_id, sharing=True)
        async with delivering(make_deliverer(bureau)):
            await until(lambda: len(receiver.posted) >= 1)
            assert b"Siti Aminah" in receiver.posted[0].body
            await told(bureau, owner.fact.aggregate_id, sharing=False, **stop)
            away = False
            (posted,) = await receiver.until(1)
    assert posted.id == receiver.posted[0].id
    assert "personal" not in posted.event().get_data()
