"""Where the issuer's public keys come from: a file that is read again when it changes, or a URL with a cache."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from shared.trust import trust_for

PublicKey = RSAKey | ECKey | OKPKey

LOOK_SECONDS = 1.0
"""How often the file's state is looked at, at most."""
FRESH_SECONDS = 300.0
"""How long keys from a URL count as fresh."""
STALE_SECONDS = 3_600.0
"""How long they are used while the issuer does not answer: a key that was rotated away lives no longer than this."""
REFETCH_SECONDS = 10.0
"""Tokens with unknown key ids make at most one fetch in this time."""
TIMEOUT_SECONDS = 3.0
LARGEST_DOCUMENT = 256 * 1024
SHORTEST_RSA_BITS = 2_048
_KEY_TYPES = ("RSA", "EC", "OKP")

log = structlog.get_logger(__name__)


class KeysUnavailableError(ConnectionError):
    """No public key can be had now: whether a token is good is not known (503, not 401)."""


class KeySource(Protocol):
    """Gives public keys by their id."""

    generation: int
    """Rises with each change of the key set: what was verified with an older one must be verified again."""

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key, or None if the issuer has none of this id. Raises ``KeysUnavailableError``."""
        ...

    async def problem(self) -> str | None:
        """Return None if keys are at hand, else the cause, for health."""
        ...


def parse_jwks(text: str | bytes) -> dict[str, PublicKey]:
    """Return the signature keys of a JWKS document by id; other kinds of keys are left out.

    Raises ``ValueError`` if it is no JWKS or holds no usable key: RSA of 2,048 bits or more, P-256, or Ed25519, with ``kid``.
    """
    document = json.loads(text)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS document")
    keys = {key.kid: key for entry in entries if (key := _usable(entry)) is not None and key.kid}
    if not keys:
        raise ValueError("no usable key in the JWKS document")
    return keys


def _usable(entry: Any) -> PublicKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    if entry.get("use", "sig") != "sig" or entry.get("kty") not in _KEY_TYPES:
        return None
    try:
        key = JWKRegistry.import_key(entry)
    except (JoseError, ValueError, TypeError):
        log.warning("public key cannot be read", kid=entry["kid"])
        return None
    if isinstance(key, RSAKey):
        return key if key.public_key.key_size >= SHORTEST_RSA_BITS else None
    if isinstance(key, ECKey):
        return key if key.curve_name == "P-256" else None
    return key if isinstance(key, OKPKey) and entry.get("crv") == "Ed25519" else None


class FileKeys:
    """Keys of a file. It is looked at once a second at most; a file that became unreadable leaves the last good keys."""

    def __init__(self, path: Path, clock: Callable[[], float] = monotonic) -> None:
        self.generation = 0
        self._path = path
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._state: tuple[int, int, int] | None = None
        self._looked = float("-inf")
        self._cause: str | None = "key file was not read yet"

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key of this id."""
        self._look()
        if not self._keys:
            raise KeysUnavailableError(self._cause)
        return self._keys.get(kid)

    async def problem(self) -> str | None:
        """Return why there are no keys, or why the file as it stands is not what is used."""
        self._look()
        return self._cause

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            stat = self._path.stat()
            state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if state != self._state:
                self._keys = parse_jwks(self._path.read_bytes())
                self._state = state
                self.generation += 1
            self._cause = None
        except (OSError, ValueError) as error:
            self._cause = f"key file cannot be used: {getattr(error, 'strerror', None) or error}"
            log.warning("key file cannot be used", path=str(self._path), reason=str(error))


class UrlKeys:
    """Keys of a URL: cached, fetched again when they are old or a key id is unknown, within a rate."""

    def __init__(
        self, url: str, clock: Callable[[], float] = monotonic, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.generation = 0
        self._url = url
        self._clock = clock
        self._transport = transport
        self._keys: dict[str, PublicKey] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._lock = asyncio.Lock()
        self._cause: str | None = "keys were not fetched yet"

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key of this id; the issuer is asked if it is unknown or the keys are old."""
        if kid not in self._keys or self._age() > FRESH_SECONDS:
            await self._refresh(kid)
        if not self._keys or self._age() > STALE_SECONDS:
            raise KeysUnavailableError(self._cause)
        return self._keys.get(kid)

    async def problem(self) -> str | None:
        """Return why the keys are not fresh; the issuer is asked if need be."""
        if self._age() > FRESH_SECONDS:
            await self._refresh(None)
        return None if self._age() <= FRESH_SECONDS else self._cause

    def _age(self) -> float:
        return self._clock() - self._fetched

    async def _refresh(self, kid: str | None) -> None:
        async with self._lock:
            known = kid is None or kid in self._keys
            if (known and self._age() <= FRESH_SECONDS) or self._clock() - self._tried < REFETCH_SECONDS:
                return
            self._tried = self._clock()
            try:
                keys = parse_jwks(await self._download())
            except (httpx2.HTTPError, OSError, ValueError) as error:
                self._cause = f"issuer's keys cannot be fetched: {type(error).__name__}"
                log.warning("issuer's keys cannot be fetched", url=self._url, reason=str(error))
                return
            self._keys, self._fetched, self._cause = keys, self._clock(), None
            self.generation += 1

    async def _download(self) -> bytes:
        async with (
            httpx2.AsyncClient(
                timeout=TIMEOUT_SECONDS, transport=self._transport, verify=trust_for(self._url)
            ) as client,
            client.stream("GET", self._url) as response,
        ):
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_DOCUMENT:
                    raise ValueError("JWKS document is too large")
            return bytes(body)


def key_source(place: str) -> KeySource:
    """Return the source for the setting ``JWKS``: an http(s) URL, or the path of a file."""
    return UrlKeys(place) if place.startswith(("http://", "https://")) else FileKeys(Path(place))
