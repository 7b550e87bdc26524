"""Licences and brands of a business that was merged: seen at the one it went into, through any number of merges, and back."""

from __future__ import annotations

from shared.auth import Role
from tests.registry.conftest import MANGGAR, PRAPATAN, Caller, Registry
from tests.registry.office import submit
from tests.registry.test_partners import brand_body

BARU_ILIR = "64.71.02.1001"


async def listed(caller: Caller, what: str, business: str) -> list[str]:
    """Return the ids that a business has."""
    found = (await caller.get(f"/{what}?business_id={business}")).raise_for_status().json()
    assert {item["business_id"] for item in found["items"]} <= {business, *MERGED}
    return [item["id"] for item in found["items"]]


MERGED: set[str] = set()
"""Businesses that the tests made beside the one that goes on."""


async def another(clerk: Caller, owner: str, kelurahan: str = MANGGAR) -> str:
    """Register another business of an owner."""
    body = {"owner_ids": [owner], "name": "Warung Siti lama", "kelurahan": kelurahan}
    made = str((await clerk.post("/businesses", body)).raise_for_status().json()["id"])
    MERGED.add(made)
    return made


async def merge(checker: Caller, business: str, into: str) -> None:
    (await checker.post(f"/businesses/{business}/merge", {"into_id": into}, 1)).raise_for_status()


async def test_what_a_merged_business_had_is_seen_at_the_one_that_goes_on_until_the_merge_is_undone(
    clerk: Caller, checker: Caller, owner: str, business: str
) -> None:
    first, second, stranger = [await another(clerk, owner) for _ in range(3)]
    licences = [await submit(clerk, one, f"206347101990{n}-31") for n, one in enumerate((first, second, business))]
    await submit(clerk, stranger, "2063471019909-31")
    brand = (await clerk.post("/brands", brand_body(first))).json()["id"]
    assert await listed(clerk, "licences", business) == licences[2:]
    await merge(checker, first, second)
    await merge(checker, second, business)
    assert await listed(clerk, "licences", business) == licences
    assert await listed(clerk, "licences", second) == licences[:2]
    assert await listed(clerk, "licences", first) == licences[:1]
    assert await listed(clerk, "brands", business) == [brand]
    (await checker.post(f"/businesses/{second}/merge-undo", None, 2)).raise_for_status()
    assert await listed(clerk, "licences", business) == licences[2:]
    assert await listed(clerk, "brands", business) == []
    assert await listed(clerk, "brands", second) == [brand]


async def test_who_may_see_the_one_that_goes_on_sees_what_it_took_over_from_another_kelurahan(
    registry: Registry, clerk: Caller, checker: Caller, owner: str, business: str
) -> None:
    there = await another(clerk, owner, PRAPATAN)
    licence, brand = await submit(clerk, there), (await clerk.post("/brands", brand_body(there))).json()["id"]
    own = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    far = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    assert await listed(own, "licences", business) == await listed(own, "licences", there) == []
    await merge(checker, there, business)
    assert (await listed(own, "licences", business), await listed(own, "brands", business)) == ([licence], [brand])
    # The other kelurahan sees what it had, and nothing of the one that goes on.
    assert await listed(far, "licences", there) == [licence]
    ours = await submit(clerk, business, "2063471019907-31")
    assert ours not in await listed(far, "licences", business)


async def test_one_licence_or_brand_is_shown_to_whom_the_list_shows_it(
    registry: Registry, clerk: Caller, checker: Caller, owner: str, business: str
) -> None:
    """Each of a chain of merges in another kelurahan: those after it see what it had, those before it do not see theirs."""
    places = {"manggar": MANGGAR, "prapatan": PRAPATAN, "baru-ilir": BARU_ILIR}
    manggar, prapatan, baru_ilir = (
        registry.caller(Role.PETUGAS_KELURAHAN, subject=name, kelurahan=place) for name, place in places.items()
    )
    first, second = await another(clerk, owner, BARU_ILIR), await another(clerk, owner, PRAPATAN)
    had = [await submit(clerk, one, f"206347101980{n}-31") for n, one in enumerate((first, second, business))]
    paths = [
        *(f"/licences/{one}" for one in had),
        f"/brands/{(await clerk.post('/brands', brand_body(first))).json()['id']}",
    ]

    async def seen(caller: Caller) -> list[int]:
        return [(await caller.get(path)).status_code for path in paths]

    assert await seen(manggar) == [404, 404, 200, 404]
    await merge(checker, first, second)
    assert await seen(prapatan) == [200, 200, 404, 200]
    await merge(checker, second, business)
    assert await seen(manggar) == [200, 200, 200, 200]
    assert await seen(prapatan) == [200, 200, 404, 200]
    assert await seen(baru_ilir) == [200, 404, 404, 200]
    assert await seen(clerk) == [200, 200, 200, 200]
    (await checker.post(f"/businesses/{second}/merge-undo", None, 2)).raise_for_status()
    assert await seen(manggar) == [404, 404, 200, 404]
