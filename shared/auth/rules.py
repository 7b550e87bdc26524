"""Rules of routes: ``allow(*roles)`` or ``public()``, and the check that each route has one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from shared.auth.keys import KeysUnavailableError
from shared.auth.roles import Principal, Role
from shared.auth.tokens import InvalidTokenError, Verifier
from shared.problems import standard, unavailable

log = structlog.get_logger(__name__)

_BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Token akses (JWT) dari penerbit yang dikenal.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
Endpoint = Callable[[Request], Awaitable[Response]]
_RULE = "__access_rule__"


class Access:
    """Lets in callers with one of the roles; as a dependency it gives their ``Principal``."""

    def __init__(self, roles: frozenset[Role]) -> None:
        if not roles:
            raise ValueError("allow() needs at least one role; for everybody say public()")
        self.roles = roles

    async def __call__(self, request: Request, _credentials: Credentials = None) -> Principal:
        """Return the caller of ``request``. Raises the problems 401, 403 and, without keys, 503."""
        return await self.check(request)

    async def check(self, request: Request) -> Principal:
        """The same for routes that are plain Starlette."""
        principal = await self._authenticate(request)
        granted = principal.roles & self.roles
        if not granted:
            raise standard(403)
        confined = granted == {Role.PETUGAS_KELURAHAN}
        if confined and principal.kelurahan is None:
            raise standard(403, "Token petugas kelurahan tidak menyebut kelurahannya.")
        principal = replace(principal, roles=granted, confined=confined)
        request.state.principal = principal
        return principal

    async def _authenticate(self, request: Request) -> Principal:
        token = bearer_token(request.headers)
        if token is None:
            raise standard(401, headers={"WWW-Authenticate": "Bearer"})
        verifier: Verifier = request.app.state.verifier
        try:
            return await verifier.verify(token)
        except KeysUnavailableError as error:
            raise unavailable("Kunci penerbit token belum tersedia; silakan coba lagi.") from error
        except InvalidTokenError as error:
            log.info("token refused", reason=str(error))
            detail = "Token akses sudah kedaluwarsa." if error.expired else "Token akses tidak sah."
            raise standard(401, detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}) from error


class Public:
    """Lets everybody in."""

    async def __call__(self) -> None:
        """Check nothing."""


Rule = Access | Public
_TOKEN = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/=\-]+) *")


def bearer_token(headers: Headers) -> str | None:
    """Return the bearer token of a request: one ``Authorization`` header, in the form of RFC 6750."""
    values = headers.getlist("authorization")
    match = _TOKEN.fullmatch(values[0]) if len(values) == 1 else None
    return match.group(1) if match else None


def allow(*roles: Role) -> Access:
    """Return the rule that lets in callers with at least one of ``roles``."""
    return Access(frozenset(roles))


def public() -> Public:
    """Return the rule that lets everybody in."""
    return Public()


def guarded(rule: Rule) -> Callable[[Endpoint], Endpoint]:
    """Put a rule on a plain Starlette endpoint; the caller is then ``request.state.principal``."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            if isinstance(rule, Access):
                await rule.check(request)
            return await endpoint(request)

        checked.__name__ = getattr(endpoint, "__name__", "endpoint")
        checked.__doc__ = endpoint.__doc__
        setattr(checked, _RULE, rule)
        return checked

    return decorate


def dependencies_of(dependant: Dependant) -> Iterator[Any]:
    """Return every callable that a route depends on, directly or not."""
    for inner in dependant.dependencies:
        yield inner.call
        yield from dependencies_of(inner)


def rule_of(route: Any) -> Rule | None:
    """Return the rule of a route (or of FastAPI's view of it), or None if it declares none."""
    dependant = getattr(route, "dependant", None)
    if dependant is not None:
        for call in dependencies_of(dependant):
            if isinstance(call, Access | Public):
                return call
    found = getattr(getattr(route, "endpoint", None), _RULE, None)
    return found if isinstance(found, Access | Public) else None


def routes_of(app: FastAPI) -> Iterator[Any]:
    """Return every route of the app, those of included routers too, as FastAPI serves them."""
    yield from iter_route_contexts(app.routes)


def _spoken(route: BaseRoute | Any) -> str:
    methods = ",".join(sorted(getattr(route, "methods", None) or ()))
    return f"{methods} {getattr(route, 'path', route)}".strip()


def assert_every_route_has_a_rule(app: FastAPI) -> None:
    """Raise ``LookupError`` naming the routes without ``allow(...)`` or ``public()``; the OpenAPI document is public."""
    open_paths = {app.openapi_url}
    missing = [_spoken(r) for r in routes_of(app) if rule_of(r) is None and getattr(r, "path", "") not in open_paths]
    if missing:
        raise LookupError(f"routes without an access rule: {'; '.join(missing)}")
