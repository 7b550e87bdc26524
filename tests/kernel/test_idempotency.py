"""Idempotency keys on real PostgreSQL: one effect, one answer, whatever is sent how often."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import Response

from shared.auth import Principal, Role, public
from shared.database import create_pool
from shared.health import Health
from shared.idempotency import (
    Answer,
    OnlyOnce,
    assert_every_post_is_idempotent,
    purge,
)
from shared.problems import Problem, standard
from shared.web.app import create_http_app
from tests.kernel.locks import until_waiting
from tests.kernel.web_client import client_of

Step = Callable[[asyncpg.Connection], Awaitable[None]]


async def nothing(_connection: asyncpg.Connection) -> None:
    """Do nothing more."""


@dataclass
class Service:
    """An app whose one command adds a row, and a hook for what happens inside its transaction."""

    pool: asyncpg.Pool
    app: FastAPI
    inside: Step = nothing
    runs: int = 0
    caller: str = "petugas-1"
    wait_seconds: float = 5.0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def effects(self) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM effect"))

    async def keys(self) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM idempotency_key"))


def build_app(service_of: Callable[[], Service]) -> FastAPI:
    """Return an app that adds effects once per key."""

    async def caller(request: Request) -> None:
        request.state.principal = Principal(service_of().caller, frozenset({Role.PETUGAS_DINAS}))

    router = APIRouter(dependencies=[Depends(public()), Depends(caller)])

    @router.post("/effects", status_code=201)
    async def add(body: dict[str, Any], once: OnlyOnce) -> Response:
        service = service_of()
        once.wait_seconds = service.wait_seconds

        async def work(connection: asyncpg.Connection) -> Answer:
            service.runs += 1
            effect = await connection.fetchval("INSERT INTO effect (note) VALUES ($1) RETURNING id", str(body))
            service.arrived.set()
            await service.inside(connection)
            return Answer(201, {"id": effect}, {"Location": f"/effects/{effect}", "ETag": '"1"'})

        return await once.run(service.pool, work)

    @router.post("/uploads")
    async def upload(request: Request, once: OnlyOnce) -> Response:
        async for _ in request.stream():
            pass

        async def work(_connection: asyncpg.Connection) -> Answer:
            return Answer(204, None)

        return await once.run(service_of().pool, work, content=request.headers["x-digest"].encode())

    return create_http_app("Uji", "registry", health=Health("registry"), verifier=None, routers=[router])


@asynccontextmanager
async def running(dsn: str) -> AsyncIterator[Service]:
    """Run the service, with a pool of its own as a process has."""
    pool = await create_pool(dsn, max_size=20)
    service: Service | None = None

    def current() -> Service:
        assert service is not None
        return service

    service = Service(pool, build_app(current))
    try:
        yield service
    finally:
        await pool.close()


@pytest.fixture
async def dsn(registry_db: Any) -> str:
    owner = await asyncpg.connect(registry_db.superuser_dsn)
    try:
        await owner.execute(
            "CREATE TABLE effect (id int GENERATED ALWAYS AS IDENTITY, note text); GRANT ALL ON effect TO public"
        )
    finally:
        await owner.close()
    return str(registry_db.dsn)


@pytest.fixture
async def service(dsn: str) -> AsyncIterator[Service]:
    async with running(dsn) as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(service.app) as client:
        yield client


async def post(client: httpx2.AsyncClient, key: str, body: Any = None, **headers: str) -> httpx2.Response:
    return await client.post("/effects", json=body or {"n": 1}, headers={"Idempotency-Key": key, **headers})


async def test_same_key_and_body_gets_the_same_answer_and_one_effect(
    service: Service, client: httpx2.AsyncClient
) -> None:
    first = await post(client, "kunci-1")
    again = [await post(client, "kunci-1") for _ in range(3)]
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    for answer in again:
        assert (answer.status_code, answer.content) == (first.status_code, first.content)
        for name in ("location", "etag", "content-type"):
            assert answer.headers[name] == first.headers[name]
        assert answer.headers["idempotency-replayed"] == "true"
    assert (service.runs, await service.effects()) == (1, 1)


async def test_a_json_body_is_the_same_however_it_is_spelt(service: Service, client: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "kunci-1", "Content-Type": "application/json"}
    for text in ('{"a": 1, "b": "\\u0041"}', '{ "b":"A",\n"a":1 }'):
        assert (await client.post("/effects", content=text, headers=headers)).status_code == 201
    assert service.runs == 1


async def test_other_body_under_the_same_key_is_refused(service: Service, client: httpx2.AsyncClient) -> None:
    await post(client, "kunci-1", {"n": 1})
    for answer in (
        await post(client, "kunci-1", {"n": 2}),
        await post(client, "kunci-1", {"n": 1}, **{"If-Match": '"3"'}),
        await client.post("/effects?x=1", json={"n": 1}, headers={"Idempotency-Key": "kunci-1"}),
    ):
        assert answer.status_code == 422
        assert answer.json()["type"].endswith(":kunci-terpakai")
    assert await service.effects() == 1


async def test_other_key_is_another_request_and_other_callers_have_keys_of_their_own(
    service: Service, client: httpx2.AsyncClient
) -> None:
    await post(client, "kunci-1")
    await post(client, "kunci-2")
    service.caller = "petugas-2"
    answer = await post(client, "kunci-1", {"n": 9})
    assert answer.status_code == 201
    assert await service.effects() == 3


@pytest.mark.parametrize("key", [None, "", "a b", "x" * 256, "é"])
async def test_request_without_a_usable_key_is_refused(
    key: str | None, service: Service, client: httpx2.AsyncClient
) -> None:
    headers = [] if key is None else [(b"Idempotency-Key", key.encode())]
    answer = await client.post("/effects", json={"n": 1}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":kunci-wajib")
    assert await service.effects() == 0


async def test_many_at_once_have_one_effect_and_one_answer(service: Service, client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, "kunci-1") for _ in range(15)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (service.runs, await service.effects()) == (1, 1)


async def test_second_waits_for_the_first_and_gets_its_answer(service: Service, client: httpx2.AsyncClient) -> None:
    go = asyncio.Event()

    async def wait(_connection: asyncpg.Connection) -> None:
        await go.wait()

    service.inside = wait
    first = asyncio.create_task(post(client, "kunci-1"))
    await service.arrived.wait()
    second = asyncio.create_task(post(client, "kunci-1"))
    await until_waiting(service.pool)
    assert not second.done()
    go.set()
    assert (await first).content == (await second).content
    assert service.runs == 1


async def test_when_the_first_fails_the_waiting_second_does_the_work(
    service: Service, client: httpx2.AsyncClient
) -> None:
    go = asyncio.Event()

    async def fail_once(_connection: asyncpg.Connection) -> None:
        if service.runs == 1:
            await go.wait()
            raise RuntimeError("a bug")

    service.inside = fail_once
    first = asyncio.create_task(post(client, "kunci-1"))
    await service.arrived.wait()
    second = asyncio.create_task(post(client, "kunci-1"))
    await until_waiting(service.pool)
    go.set()
    assert [(await first).status_code, (await second).status_code] == [500, 201]
    assert await service.effects() == 1


async def test_waiting_is_bounded_then_told_to_come_again(service: Service, client: httpx2.AsyncClient) -> None:
    service.wait_seconds = 0.1
    go = asyncio.Event()

    async def wait(_connection: asyncpg.Connection) -> None:
        await go.wait()

    service.inside = wait
    first = asyncio.create_task(post(client, "kunci-1"))
    await service.arrived.wait()
    busy = await post(client, "kunci-1")
    assert (busy.status_code, busy.headers["retry-after"]) == (409, "2")
    assert busy.json()["type"].endswith(":sedang-diproses")
    go.set()
    assert (await first).content == (await post(client, "kunci-1")).content


async def test_answer_survives_a_restart(dsn: str) -> None:
    async with running(dsn) as before, client_of(before.app) as client:
        first = await post(client, "kunci-1")
    async with running(dsn) as after, client_of(after.app) as client:
        again = await post(client, "kunci-1")
        assert after.runs == 0
    assert again.content == first.content


async def test_connection_lost_before_the_commit_leaves_nothing(service: Service, client: httpx2.AsyncClient) -> None:
    async def die(connection: asyncpg.Connection) -> None:
        if service.runs == 1:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    service.inside = die
    answer = await post(client, "kunci-1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await service.effects(), await service.keys()) == (0, 0)
    assert (await post(client, "kunci-1")).status_code == 201
    assert await service.effects() == 1


def _raising(error: Exception) -> Step:
    async def step(_connection: asyncpg.Connection) -> None:
        raise error

    return step


async def test_refusal_by_a_rule_is_an_answer_too(service: Service, client: httpx2.AsyncClient) -> None:
    service.inside = _raising(Problem(409, "sudah-ada", "Sudah ada", "Usaha ini sudah ada.", headers={"X-A": "b"}))
    first = await post(client, "kunci-1")
    service.inside = nothing
    again = await post(client, "kunci-1")
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.content == first.content
    assert (again.headers["x-a"], again.headers["content-type"]) == ("b", "application/problem+json")
    assert again.headers["idempotency-replayed"] == "true"
    assert (await post(client, "kunci-1", {"n": 2})).status_code == 422
    assert (service.runs, await service.effects()) == (1, 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (standard(503), 503),
        (RuntimeError("a bug"), 500),
        (ConnectionRefusedError("away"), 503),
        (Problem(429, "terlalu-sering", "Terlalu sering", "Tunggu sebentar."), 429),
    ],
)
async def test_failure_is_no_answer_and_may_be_sent_again(
    error: Exception, status: int, service: Service, client: httpx2.AsyncClient
) -> None:
    service.inside = _raising(error)
    assert (await post(client, "kunci-1")).status_code == status
    assert (await service.effects(), await service.keys()) == (0, 0)
    service.inside = nothing
    assert (await post(client, "kunci-1")).status_code == 201
    assert await service.effects() == 1


async def test_request_that_never_reached_the_work_uses_no_key(service: Service, client: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "kunci-1"}
    assert (await client.post("/effects", json=[1], headers=headers)).status_code == 422
    assert await service.keys() == 0
    assert (await post(client, "kunci-1")).status_code == 201


async def test_refused_and_retried_at_once_all_get_one_answer(service: Service, client: httpx2.AsyncClient) -> None:
    async def refuse_some(_connection: asyncpg.Connection) -> None:
        if service.runs % 2:
            raise standard(409)

    service.inside = refuse_some
    answers = await asyncio.gather(*(post(client, "kunci-1") for _ in range(12)))
    final = await post(client, "kunci-1")
    assert {answer.content for answer in answers} == {final.content} or await service.effects() == 1
    assert await service.effects() <= 1
    assert final.status_code in {answer.status_code for answer in answers}


async def test_upload_is_told_by_its_digest(client: httpx2.AsyncClient) -> None:
    async def upload(digest: str) -> int:
        headers = {"Idempotency-Key": "kunci-1", "X-Digest": digest, "Content-Type": "text/csv"}
        return (await client.post("/uploads", content=str(uuid4()), headers=headers)).status_code

    assert [await upload("a"), await upload("a"), await upload("b")] == [204, 204, 422]


async def test_key_older_than_a_day_is_new_again_and_purge_forgets_it(
    service: Service, client: httpx2.AsyncClient
) -> None:
    for key in ("kunci-1", "kunci-2", "kunci-3"):
        await post(client, key)
    age = timedelta(hours=24, seconds=1)
    await service.pool.execute("UPDATE idempotency_key SET created_at = now() - $1::interval", age)
    assert (await post(client, "kunci-1", {"n": 2})).status_code == 201
    assert "idempotency-replayed" in (await post(client, "kunci-1", {"n": 2})).headers
    assert await service.effects() == 4
    assert [await purge(service.pool, 1), await purge(service.pool), await purge(service.pool)] == [1, 1, 0]
    assert await service.keys() == 1


async def test_neither_key_nor_request_stands_in_the_table(service: Service, client: httpx2.AsyncClient) -> None:
    await post(client, "kunci-6471029901900001", {"nik": "6471029901900001"})
    row = str(tuple(await service.pool.fetchrow("SELECT * FROM idempotency_key")))
    assert "6471029901900001" not in row
    assert "kunci-" not in row


async def test_happy_path_costs_two_statements(service: Service, client: httpx2.AsyncClient) -> None:
    await post(client, "pemanasan")
    seen: list[str] = []

    async def watch(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda record: seen.append(record.query))

    service.inside = watch
    await post(client, "kunci-1")
    # After the work come the stored answer and the commit (then the pool's own reset); before it, BEGIN and the claim.
    assert [query.split()[0] for query in seen][:2] == ["UPDATE", "COMMIT;"]


def test_post_route_without_a_key_is_named() -> None:
    app = build_app(lambda: pytest.fail("not called"))
    assert_every_post_is_idempotent(app)
    router = APIRouter(prefix="/keys")

    @router.post("/resolve", dependencies=[Depends(public())])
    async def resolve() -> None: ...

    app.include_router(router)
    with pytest.raises(LookupError, match="/keys/resolve"):
        assert_every_post_is_idempotent(app)
    assert_every_post_is_idempotent(app, except_paths=frozenset({"/keys/resolve"}))
