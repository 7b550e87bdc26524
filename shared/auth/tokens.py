"""Access tokens: checking them (RFC 7519, RFC 8725, RFC 9068), and signing them for the local stack."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from time import time
from typing import Any
from warnings import catch_warnings, simplefilter

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from shared.auth.keys import KeySource, PublicKey
from shared.auth.roles import Principal, Role

LEEWAY_SECONDS = 60
LONGEST_TOKEN = 8_192
CACHED_TOKENS = 2_048
# A key is used with its own algorithm only, whatever the token's header says: no HS256 with a public key, no "none".
_ALGORITHMS: tuple[tuple[type[PublicKey], tuple[str, ...]], ...] = (
    (RSAKey, ("RS256",)),
    (ECKey, ("ES256",)),
    (OKPKey, ("EdDSA", "Ed25519")),
)
_TYPES = ("at+jwt", "application/at+jwt", "jwt", "")
_ROLES = {str(role): role for role in Role}
# Marks of an OpenID Connect id token, which is meant for the client and is no access token.
_ID_TOKEN_CLAIMS = ("nonce", "at_hash", "c_hash")


class InvalidTokenError(Exception):
    """A token that gives no access; ``expired`` is told to the caller, all else is not."""

    def __init__(self, reason: str, *, expired: bool = False) -> None:
        super().__init__(reason)
        self.expired = expired


class Verifier:
    """Checks tokens of one issuer for one audience; what was checked is remembered until the keys change."""

    def __init__(self, keys: KeySource, issuer: str, audience: str, clock: Callable[[], float] = time) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._known: OrderedDict[str, tuple[int, float, Principal]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Return whom the token speaks of. Raises ``InvalidTokenError`` or ``KeysUnavailableError``."""
        if len(token) > LONGEST_TOKEN:
            raise InvalidTokenError("token too long")
        header = _header(token)
        # Asked each time, so that a key that is gone ends the tokens that were signed with it.
        key = await self.keys.find(header["kid"])
        if key is None:
            raise InvalidTokenError("unknown key id")
        if (known := self.known(token)) is not None:
            return known
        claims = self._checked_claims(token, key, header)
        principal = _principal(claims)
        self._remember(token, float(claims["exp"]), principal)
        return principal

    def known(self, token: str) -> Principal | None:
        """Return whom a token speaks of that was checked before; nothing is checked here, so it lets nobody in."""
        known = self._known.get(token)
        if known is None or known[0] != self.keys.generation or self._clock() >= known[1] + LEEWAY_SECONDS:
            return None
        return known[2]

    def _remember(self, token: str, expiry: float, principal: Principal) -> None:
        self._known[token] = (self.keys.generation, expiry, principal)
        if len(self._known) > CACHED_TOKENS:
            self._known.popitem(last=False)

    def _checked_claims(self, token: str, key: PublicKey, header: Mapping[str, Any]) -> dict[str, Any]:
        algorithms = next(names for kind, names in _ALGORITHMS if isinstance(key, kind))
        if header.get("alg") not in algorithms:
            raise InvalidTokenError("algorithm does not fit the key")
        try:
            with catch_warnings():
                simplefilter("ignore", SecurityWarning)  # "EdDSA" is an old name for Ed25519, still what issuers write
                claims = jwt.decode(token, key, algorithms=algorithms).claims
            self._rules().validate(claims)
        except ExpiredTokenError as error:
            raise InvalidTokenError("expired", expired=True) from error
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidTokenError(f"{type(error).__name__}: {error}") from error
        if any(name in claims for name in _ID_TOKEN_CLAIMS) or claims.get("typ") in ("ID", "Refresh"):
            raise InvalidTokenError("not an access token")
        return claims

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )


def _header(token: str) -> dict[str, Any]:
    try:
        head = token.split(".", 1)[0]
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (Base64Error, ValueError, RecursionError) as error:
        raise InvalidTokenError("not a token") from error
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str):
        raise InvalidTokenError("token without key id")
    if str(header.get("typ", "")).lower() not in _TYPES or "crit" in header:
        raise InvalidTokenError("not an access token")
    return header


def _principal(claims: Mapping[str, Any]) -> Principal:
    roles = claims.get("roles", [])
    kelurahan, email, agency = (claims.get(name) for name in ("kelurahan", "email", "agency"))
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise InvalidTokenError("roles must be a list of texts")
    if not all(isinstance(text, str | None) for text in (kelurahan, email, agency)):
        raise InvalidTokenError("kelurahan, email and agency must be texts")
    known = frozenset(_ROLES[role] for role in roles if role in _ROLES)
    return Principal(sub=claims["sub"], roles=known, kelurahan=kelurahan or None, email=email, agency=agency or None)


def new_signing_key() -> dict[str, Any]:
    """Return a fresh private key as JWK: ES256, with the thumbprint as its id."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    return dict(key.as_dict(private=True))


def public_jwks(*private: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JWKS document with the public halves of these keys."""
    return {"keys": [dict(JWKRegistry.import_key(dict(key)).as_dict(private=False)) for key in private]}


def sign_token(
    private_jwk: Mapping[str, Any],
    *,
    issuer: str,
    audience: str,
    subject: str,
    roles: Iterable[Role | str],
    kelurahan: str | None = None,
    email: str | None = None,
    agency: str | None = None,
    lifetime: timedelta = timedelta(hours=1),
    now: float | None = None,
) -> str:
    """Return a signed access token; ``now`` in seconds since the epoch (default: the clock)."""
    issued = int(time() if now is None else now)
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(lifetime.total_seconds()),
        "roles": [str(role) for role in roles],
    }
    said = {"kelurahan": kelurahan, "email": email, "agency": agency}
    claims |= {name: value for name, value in said.items() if value is not None}
    key = JWKRegistry.import_key(dict(private_jwk))
    algorithm = str(private_jwk.get("alg", "ES256"))
    return jwt.encode({"typ": "at+jwt", "alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])
