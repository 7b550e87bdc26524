"""Posting to addresses that agencies name, without being led anywhere else: one pool of connections for all endpoints.

A name is resolved here, every address that it has is judged, and the connection goes to one of the very addresses that were judged:
a name that means something else the next time has nothing of it. No redirects, no proxies, no cookies; of an answer only the
status counts, and no more than a little of the rest is read.
"""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from time import monotonic
from typing import NamedTuple

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.partners.domain.destinations import Address, Destination, Networks, read_url, why_closed
from services.partners.domain.refusals import UrlRefusedError
from services.partners.store.events import Kept
from shared.retry_after import pause_of

SECONDS = 15.0
"""For connecting, posting and the answer together."""
CONNECT_SECONDS = 5.0
ANSWER_BYTES = 16_384
"""Of an answer that is longer the connection is closed."""
REST_SECONDS = 2.0
KEEPALIVE_SECONDS = 4.0
"""Shorter than that of usual servers, so that none closes what is being written to."""
NAMES_SECONDS = 10
MOST_READ = 10_000
"""URLs that are not read anew for each event."""
USER_AGENT = "naikkelas-webhook/1"
CONTENT_TYPE = "application/cloudevents+json"

log = structlog.get_logger(__name__)


class ClosedAddressError(OSError):
    """A name has an address that nothing is posted to; the text is a code."""


class Outcome(NamedTuple):
    """What came of posting once."""

    status: int | None
    error: str | None
    """A code; ``None``: it was taken."""
    millis: int
    asked: timedelta | None = None
    """What the answer asks for by ``Retry-After``."""

    @property
    def taken(self) -> bool:
        """Whether the endpoint has it."""
        return self.error is None


class Attempt(NamedTuple):
    """An event that was posted once, and what came of it."""

    item: Kept
    outcome: Outcome
    seconds: float
    """When that was known, since 1970, by the database's clock."""


class JudgingResolver(AbstractResolver):
    """Resolves names and refuses those of which any address is closed to this scheme."""

    def __init__(self, scheme: str, networks: Networks) -> None:
        self._scheme = scheme
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises ``ClosedAddressError``, ``OSError``."""
        found = await self.look_up(host, port, family)
        judge([ip_address(address) for _, address in found], Destination("", self._scheme, host, port), self._networks)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in found
        ]

    async def look_up(self, host: str, port: int, family: int) -> list[tuple[int, str]]:
        """Return family and address of each address of a name."""
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        return [(info[0], str(info[4][0])) for info in infos]

    async def close(self) -> None:
        """Hold nothing."""


def judge(addresses: list[Address], destination: Destination, networks: Networks) -> None:
    """Refuse a destination if any of its addresses is closed, or it has none. Raises ``ClosedAddressError``."""
    for address in addresses:
        why = why_closed(destination, address, networks)
        if why is not None:
            raise ClosedAddressError(why)
    if not addresses:
        raise ClosedAddressError("tanpa_alamat")


class Poster:
    """The pool of connections. One per process; ``close`` it at the end."""

    def __init__(
        self, networks: Networks, seconds: float = SECONDS, resolver: type[JudgingResolver] = JudgingResolver
    ) -> None:
        self._networks = networks
        self._seconds = seconds
        self._resolver = resolver
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._read_before: dict[str, tuple[Destination, URL]] = {}

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        if scheme not in self._sessions:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver(scheme, self._networks),
                ttl_dns_cache=NAMES_SECONDS,
                limit=0,  # each endpoint has its own limit
                keepalive_timeout=KEEPALIVE_SECONDS,
            )
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=self._seconds, connect=min(self._seconds, CONNECT_SECONDS)),
                headers={"User-Agent": USER_AGENT, "Content-Type": CONTENT_TYPE},
                read_bufsize=ANSWER_BYTES,
            )
        return self._sessions[scheme]

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """Post a body, and return what came of it, whatever that is."""
        begun = monotonic()
        try:
            destination, target = self._read(url)
            return await self._post(destination, target, body, headers, begun)
        except UrlRefusedError as error:
            return Outcome(None, str(error.values["why"]), _millis(begun))
        except TimeoutError:
            return Outcome(None, "waktu_habis", _millis(begun))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(None, code_of(error), _millis(begun))
        except Exception as error:
            # Whatever an endpoint makes us stumble over, it is that endpoint's failure: raised, it would end what goes to all others.
            log.exception("post_stumbled", error=type(error).__name__)
            return Outcome(None, "kesalahan_sendiri", _millis(begun))

    def _read(self, url: str) -> tuple[Destination, URL]:
        """Return where a URL leads, judged anew in each process: the operator's list may be another than when it was made."""
        if url not in self._read_before:
            destination, target = read_url(url, self._networks), URL(url, encoded=True)
            if target.host is None or target.host.rstrip(".") != destination.host.rstrip("."):
                raise ClosedAddressError("bentuk")  # two readers of one URL must not read two hosts
            if len(self._read_before) >= MOST_READ:
                self._read_before.clear()
            self._read_before[url] = (destination, target)
        return self._read_before[url]

    async def _post(
        self, destination: Destination, target: URL, body: bytes, headers: dict[str, str], begun: float
    ) -> Outcome:
        session = self._session(destination.scheme)
        payload = aiohttp.BytesPayload(body, content_type=CONTENT_TYPE)  # the client would look for this very class
        response = await session.post(target, data=payload, headers=headers, allow_redirects=False)
        try:
            status = response.status
            taken = 200 <= status < 300
            asked = None if taken else pause_of(response.headers.get("Retry-After"), datetime.now(UTC))
            if not response.content.at_eof():
                await _read_rest(response)
        finally:
            response.release()
        return Outcome(status, None if taken else f"http_{status}", _millis(begun), asked)

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()


async def _read_rest(response: aiohttp.ClientResponse) -> None:
    """Read what is left of a short answer, so that the connection can be used again; else it is closed. The status counts."""
    size = 0
    try:
        async with asyncio.timeout(REST_SECONDS):
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > ANSWER_BYTES:
                    response.close()
                    return
    except (aiohttp.ClientError, OSError, TimeoutError):
        response.close()


def code_of(error: Exception) -> str:
    """Return in a code why nothing came back; neither addresses nor texts of others."""
    if isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
        if isinstance(inner, ClosedAddressError):
            return str(inner)
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return "nama_tidak_ditemukan"
    if isinstance(error, ClosedAddressError):
        return str(error)
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError)):
        return "sertifikat"
    if isinstance(error, (aiohttp.ClientConnectorError, ConnectionRefusedError)):
        return "tidak_tersambung"
    return "sambungan_putus"


def _millis(begun: float) -> int:
    return int((monotonic() - begun) * 1000)
