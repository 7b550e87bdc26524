"""How many requests one access token may make of this process: counted at the door, before a body is read.

Who floods is refused with 429 and ``Retry-After`` in a fraction of the time of an answer, and the others are served. Each process counts for
itself, so several copies let through as many times as much. A service's own token is not counted: it asks for keys as fast as
messages go out. Nor are requests without a token that is known here: they are refused anyway, or are public.
"""

from __future__ import annotations

from hashlib import sha256
from math import ceil
from time import time

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers

from shared.auth import Principal, Role, Verifier, bearer_token
from shared.problems import standard

WINDOW_SECONDS = 10
"""So long is counted together: a page that loads at once what it shows is no flood."""

log = structlog.get_logger(__name__)


class Rates:
    """Counts what each token asks for; ``per_second`` on the average of ten seconds."""

    def __init__(self, verifier: Verifier, per_second: int) -> None:
        self._verifier = verifier
        self._most = RateLimitItemPerSecond(per_second * WINDOW_SECONDS, WINDOW_SECONDS)
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._told: dict[str, float] = {}

    async def take(self, headers: Headers) -> None:
        """Count a request. Raises the problem 429."""
        token = bearer_token(headers)
        caller = None if token is None else self._verifier.known(token)
        if token is None or caller is None or Role.LAYANAN in caller.roles:
            return
        name = _name_of(token)
        if not await self._counts.hit(self._most, name):
            raise await self._refusal(name, caller)

    async def _refusal(self, name: str, caller: Principal) -> Exception:
        window = await self._counts.get_window_stats(self._most, name)
        seconds = min(max(ceil(window.reset_time - time()), 1), WINDOW_SECONDS)
        self._tell(name, caller)
        detail = f"Token ini meminta lebih dari {self._most.amount} kali dalam {WINDOW_SECONDS} detik; silakan coba lagi {seconds} detik lagi."
        return standard(429, detail, headers={"Retry-After": str(seconds)})

    def _tell(self, name: str, caller: Principal) -> None:
        """Write into the log who floods, once in a window: a line for each request would be a flood too."""
        now = time()
        if now < self._told.get(name, 0.0):
            return
        self._told = {known: until for known, until in self._told.items() if until > now}
        self._told[name] = now + WINDOW_SECONDS
        log.warning("requests_refused", actor=caller.sub, most=self._most.amount, seconds=WINDOW_SECONDS)


def _name_of(token: str) -> str:
    """Return under what a token is counted: what was signed, since a signature by elliptic curve may be written in two ways."""
    return sha256(token.rpartition(".")[0].encode()).hexdigest()[:32]
