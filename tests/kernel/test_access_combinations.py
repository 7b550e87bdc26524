"""A token with several roles sees what the widest of those sees that the route names, and nothing by the others: every combination."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from shared.auth import FileKeys, Principal, Role, Verifier, allow
from shared.problems import Problem
from tests.kernel.clock import Clock
from tests.kernel.test_auth import AUDIENCE, ISSUER, Issuer

OWN, OTHER = "64.71.01.1001", "64.71.02.1001"
Roles = frozenset[Role]
SETS: list[Roles] = [
    frozenset(some) for some in chain.from_iterable(combinations(Role, size) for size in range(len(Role) + 1))
]
NOTHING: frozenset[str] = frozenset()


class Door:
    """The check of a route, with real tokens."""

    def __init__(self, folder: Path) -> None:
        clock = Clock()
        self._issuer = Issuer(folder)
        self._app = FastAPI()
        self._app.state.verifier = Verifier(FileKeys(self._issuer.path, clock), ISSUER, AUDIENCE, clock)
        self._tokens: dict[tuple[Roles, str | None], str] = {}

    async def open(self, token: Roles, route: Roles, kelurahan: str | None = OWN) -> Principal | None:
        """Return the caller as the route sees it; ``None`` if it is not let in."""
        key = token, kelurahan
        if key not in self._tokens:
            self._tokens[key] = self._issuer.sign(roles=sorted(token), kelurahan=kelurahan)
        headers = [(b"authorization", f"Bearer {self._tokens[key]}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "app": self._app, "state": {}}
        try:
            return await allow(*route).check(Request(scope))
        except Problem as problem:
            if problem.status != 403:
                raise
            return None


def seen(principal: Principal | None) -> frozenset[str]:
    """Return which of the two kelurahan a caller may act in."""
    return NOTHING if principal is None else frozenset(place for place in (OWN, OTHER) if principal.may_act_in(place))


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


async def _alone(door: Door, roles: Iterable[Role], route: Roles, kelurahan: str | None) -> list[frozenset[str]]:
    return [seen(await door.open(frozenset({role}), route, kelurahan)) for role in roles]


@pytest.mark.parametrize("kelurahan", [OWN, None])
@pytest.mark.security(line="S2")
async def test_several_roles_see_what_the_widest_of_them_sees_alone(door: Door, kelurahan: str | None) -> None:
    """Sixty-four tokens at sixty-three routes: what they see together is what each would see, put together."""
    for route in filter(None, SETS):
        alone = dict(zip(Role, await _alone(door, Role, route, kelurahan), strict=True))
        for token in SETS:
            found = await door.open(token, route, kelurahan)
            assert seen(found) == NOTHING.union(*(alone[role] for role in token)), (sorted(token), sorted(route))


@pytest.mark.security(line="S2")
async def test_only_an_officer_of_a_kelurahan_is_confined_and_only_to_the_own_one(door: Door) -> None:
    for route in filter(None, SETS):
        for role, places in zip(Role, await _alone(door, Role, route, OWN), strict=True):
            everywhere = {OWN} if role is Role.PETUGAS_KELURAHAN else {OWN, OTHER}
            assert places == (everywhere if role in route else NOTHING)


@pytest.mark.security(line="S2")
async def test_a_handler_sees_no_role_that_the_route_does_not_name(door: Door) -> None:
    for route in filter(None, SETS):
        for token in SETS:
            found = await door.open(token, route)
            assert (NOTHING if found is None else found.roles) == token & route
            if found is not None:
                assert found.scope == (OWN if found.roles == {Role.PETUGAS_KELURAHAN} else None)
