"""Access: bearer tokens (JWT) checked against the issuer's public keys, and a rule for every route.

    @router.get("/businesses/{business_id}")
    async def show(business_id: UUID, principal: Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]) -> ...

``allow(*roles)`` and ``public()`` are the only rules; ``assert_every_route_has_a_rule(app)`` runs in the tests and when
an app starts, so a route that was forgotten is never served. Officers of a kelurahan see their own only:
``principal.scope`` is its code then (None: the whole city), ``principal.require_kelurahan(code)`` refuses another one.
"""

from shared.auth.keys import FileKeys, KeySource, KeysUnavailableError, UrlKeys, key_source
from shared.auth.roles import Principal, Role
from shared.auth.rules import (
    Access,
    Public,
    allow,
    assert_every_route_has_a_rule,
    bearer_token,
    guarded,
    public,
    rule_of,
)
from shared.auth.tokens import InvalidTokenError, Verifier, new_signing_key, public_jwks, sign_token

__all__ = [
    "Access",
    "FileKeys",
    "InvalidTokenError",
    "KeySource",
    "KeysUnavailableError",
    "Principal",
    "Public",
    "Role",
    "UrlKeys",
    "Verifier",
    "allow",
    "assert_every_route_has_a_rule",
    "bearer_token",
    "guarded",
    "key_source",
    "new_signing_key",
    "public",
    "public_jwks",
    "rule_of",
    "sign_token",
]
