"""Keys by URL: cached, fetched again within a rate, and kept while the issuer fails."""

import json
from typing import Any

import httpx2
import pytest

from shared.auth import KeysUnavailableError, UrlKeys, new_signing_key, public_jwks
from tests.kernel.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


class JwksServer:
    """An issuer's JWKS address in memory, which counts and can fail."""

    def __init__(self) -> None:
        self.document: Any = {}
        self.status = 200
        self.asked = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return httpx2.Response(self.status, content=json.dumps(self.document))


async def test_keys_of_a_url_are_cached_and_fetched_again_for_an_unknown_id_within_a_rate(clock: Clock) -> None:
    server, first, second = JwksServer(), new_signing_key(), new_signing_key()
    server.document = public_jwks(first)
    keys = UrlKeys("https://masuk.example.test/jwks", clock, httpx2.MockTransport(server))
    for _ in range(5):
        assert await keys.find(first["kid"]) is not None
    assert server.asked == 1
    server.document = public_jwks(first, second)
    for _ in range(5):
        assert await keys.find(second["kid"]) is None
    assert server.asked == 1
    clock.now += 10
    assert await keys.find(second["kid"]) is not None
    assert server.asked == 2


async def test_keys_of_a_url_outlive_a_failing_issuer_for_an_hour(clock: Clock) -> None:
    server, key = JwksServer(), new_signing_key()
    server.document = public_jwks(key)
    keys = UrlKeys("https://masuk.example.test/jwks", clock, httpx2.MockTransport(server))
    assert await keys.problem() is None
    server.status = 500
    clock.now += 3_000
    assert await keys.find(key["kid"]) is not None
    assert "cannot be fetched" in str(await keys.problem())
    clock.now += 601
    with pytest.raises(KeysUnavailableError):
        await keys.find(key["kid"])
    server.status = 200
    clock.now += 10
    assert await keys.find(key["kid"]) is not None
    assert await keys.problem() is None


@pytest.mark.security(line="S1")
async def test_key_that_left_a_url_closes_when_the_cache_is_old(clock: Clock) -> None:
    server, old, fresh = JwksServer(), new_signing_key(), new_signing_key()
    server.document = public_jwks(old)
    keys = UrlKeys("https://masuk.example.test/jwks", clock, httpx2.MockTransport(server))
    assert await keys.find(old["kid"]) is not None
    server.document = public_jwks(fresh)
    clock.now += 301
    assert await keys.find(old["kid"]) is None


@pytest.mark.security(line="S19", item="API10")
async def test_huge_key_document_is_not_read_to_its_end(clock: Clock) -> None:
    server = JwksServer()
    server.document = {"keys": [], "pad": "x" * 300_000}
    keys = UrlKeys("https://masuk.example.test/jwks", clock, httpx2.MockTransport(server))
    with pytest.raises(KeysUnavailableError):
        await keys.find("a")
