"""The whole platform, every process apart: 34 spreadsheets uploaded over HTTP, and an officer who works meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
from aiokafka import TopicPartition

from bench.harness import Result, Size, VoidRunError, percentile
from bench.rig import Rig
from ops.generator.generate import Planted, generate
from ops.stack import Stack
from services.registry.importing.jobs import OPEN_STATES
from services.registry.reference.places import all_places
from shared.auth import Role
from shared.broker import make_reader
from shared.contracts.registry import OWNER_TOPIC
from shared.topology import TOPICS

COMMANDS_A_SECOND = 20
PATIENCE_SECONDS = 600
LEAST_ROWS_A_SECOND = 500
"""A platform that imports fewer has come to a stop, whatever else the machine does."""
MEMORY_SECONDS = 2.0  # reading it costs the watched processes some time
SERVERS = ("kafka", "postgres")
PLACE = next(iter(all_places()))


@dataclass(slots=True)
class Figures:
    """What one run came to."""

    searchable: float = 0.0
    dashboard: float = 0.0
    waits: list[float] = field(default_factory=list)
    """Seconds from sending each live command to the moment a reader has its record."""
    memory: Counter[str] = field(default_factory=Counter)
    """Peak of each process, bytes (PSS, its children with it)."""
    together: int = 0
    """Peak of all processes together."""


class Officer:
    """Sends files and commands over HTTP."""

    def __init__(self, stack: Stack) -> None:
        self._client = httpx2.AsyncClient(timeout=60)
        self._urls = {name: stack.api_url(name) for name in ("registry", "projections")}
        self._token = stack.token([Role.PETUGAS_DINAS, Role.OPERATOR])

    async def get(self, service: str, path: str) -> Any:
        """Return the JSON of a GET."""
        response = await self._client.get(self._urls[service] + path, headers=self._headers())
        return response.raise_for_status().json()

    async def send_file(self, path: Path, kelurahan: str) -> str:
        """Upload a spreadsheet; return the import's id."""
        files = {"file": (path.name, await asyncio.to_thread(path.read_bytes))}
        return await self._post(f"/imports?kelurahan={kelurahan}", files=files)

    async def register_owner(self, number: int) -> str:
        """Register an owner; return the id."""
        return await self._post("/owners", json={"name": f"Pemilik Langsung {number}", "kelurahan": PLACE})

    async def _post(self, path: str, **body: Any) -> str:
        response = await self._client.post(self._urls["registry"] + path, headers=self._headers(), **body)
        return str(response.raise_for_status().json()["id"])

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Idempotency-Key": uuid4().hex}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _until(condition: Callable[[], Any], patience: float, seconds: float = 0.1) -> None:
    try:
        async with asyncio.timeout(patience):
            while not await condition():
                await asyncio.sleep(seconds)
    except TimeoutError:
        raise VoidRunError(f"the platform had not come through after {patience:,.0f} s") from None


async def _import(
    officer: Officer, planted: Planted, folder: Path, registered: Callable[[], Any], run: Figures
) -> None:
    started = perf_counter()
    jobs = [await officer.send_file(folder / file.name, file.kelurahan) for file in planted.files]

    totals: Counter[str] = Counter()

    async def done() -> bool:
        while jobs and (job := await officer.get("registry", f"/imports/{jobs[0]}"))["state"] not in OPEN_STATES:
            totals.update(job["totals"])
            jobs.pop(0)
        return not jobs

    patience = PATIENCE_SECONDS + planted.total("rows") / LEAST_ROWS_A_SECOND
    await _until(done, patience)
    run.searchable = perf_counter() - started
    found = totals["rows"], totals["refused"]
    if found != (planted.total("rows"), planted.total("refused")):
        raise VoidRunError(f"{found} rows and refusals, planted otherwise")
    total = await registered()

    async def counted() -> bool:
        return bool((await officer.get("projections", "/dashboard?by=class"))["total"] == total)

    await _until(counted, patience)
    run.dashboard = perf_counter() - started


async def _work(officer: Officer, sent: dict[str, float]) -> None:
    """Register owners one after another at a steady pace until cancelled, whatever becomes of each."""
    running: set[asyncio.Task[None]] = set()

    async def one(number: int) -> None:
        began = perf_counter()
        sent[await officer.register_owner(number)] = began

    started = perf_counter()
    try:
        for number in count():
            await asyncio.sleep(max(0.0, started + number / COMMANDS_A_SECOND - perf_counter()))
            running.add(asyncio.create_task(one(number)))
    finally:
        await asyncio.gather(*running)


async def _watch_records(stack: Stack, seen: dict[str, float], ready: asyncio.Event) -> None:
    reader = make_reader(stack.credentials("operator"), "bench-live")
    await reader.start()
    try:
        count = next(topic.partitions for topic in TOPICS if topic.name == OWNER_TOPIC)
        reader.assign([TopicPartition(OWNER_TOPIC, number) for number in range(count)])
        ready.set()
        while True:
            for records in (await reader.getmany(timeout_ms=50)).values():
                now = perf_counter()
                seen.update((record.key.decode(), now) for record in records)
    finally:
        await reader.stop()


async def _watch_memory(stack: Stack, run: Figures) -> None:
    while True:
        held = {name: await asyncio.to_thread(item.memory) for name, item in stack.record().processes.items()}
        for name, size in held.items():
            run.memory[name] = max(run.memory[name], size)
        run.together = max(run.together, sum(held.values()))
        await asyncio.sleep(MEMORY_SECONDS)


@asynccontextmanager
async def _background(*works: Any) -> AsyncIterator[None]:
    """Run works for the time of the block, and raise what one of them raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(found, Exception):
                raise found


async def _run(rows: int, seed: int) -> Figures:
    with TemporaryDirectory(prefix="naikkelas-bench-") as name:
        folder, run = Path(name), Figures()
        folder.chmod(0o755)
        stack = Stack(folder / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"})
        planted = await asyncio.to_thread(generate, folder / "spreadsheets", rows, seed)
        await asyncio.to_thread(stack.up, owned=True)
        officer = Officer(stack)
        try:
            await _measure(stack, officer, planted, folder / "spreadsheets", run)
        finally:
            await officer.close()
            await asyncio.to_thread(stack.down, wipe=True)
    return run


async def _measure(stack: Stack, officer: Officer, planted: Planted, folder: Path, run: Figures) -> None:
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    ready = asyncio.Event()
    audit = await asyncpg.connect(stack.dsn("registry", "audit"))

    async def registered() -> int:
        return int(await audit.fetchval("SELECT count(*) FROM audit.source WHERE topic = 'umkm.business'"))

    async def all_seen() -> bool:
        return sent.keys() <= seen.keys()

    async with _background(_watch_records(stack, seen, ready), _watch_memory(stack, run)):
        await ready.wait()
        async with _background(_work(officer, sent)):
            await _import(officer, planted, folder, registered, run)
        await _until(all_seen, PATIENCE_SECONDS)
    await audit.close()
    run.waits = [seen[key] - began for key, began in sent.items()]


async def platform(_: Rig, size: Size) -> list[Result]:
    """From the upload of 34 messy spreadsheets to searchable rows and the dashboard, and live commands meanwhile."""
    rows = max(1_000, size.of(95_000))
    runs = [await _run(rows, 2026 + number) for number in range(size.runs)]
    waits = [[1000 * second for second in run.waits] for run in runs]
    return [
        Result(f"upload of {rows:,} rows to searchable", "s", "≤ 10", [run.searchable for run in runs]),
        Result(f"upload of {rows:,} rows to the dashboard", "s", "none", [run.dashboard for run in runs]),
        *(
            Result(f"live command during it to a reader, {name}", "ms", goal, [percentile(w, cut) for w in waits])
            for name, goal, cut in ((f"p50 of {sum(map(len, waits)):,}", "none", 50), ("p99", "≤ 300", 99))
        ),
        *_memory(runs),
    ]


def _memory(runs: list[Figures]) -> list[Result]:
    """Return the peaks: the largest process of a service, the servers, all together."""
    services = Counter[str]()
    for run in runs:
        services |= Counter({name: size for name, size in run.memory.items() if name not in SERVERS})
    (largest, _), *_ = services.most_common(1)
    named = (
        (f"largest process of a service during it ({largest})", largest, "≤ 300"),
        *((f"{server} during it", server, "none") for server in SERVERS),
    )
    return [
        *(Result(text, "MB", goal, [run.memory[name] / 1e6 for run in runs]) for text, name, goal in named),
        Result("all processes together during it", "MB", "≤ 2,500", [run.together / 1e6 for run in runs]),
    ]


async def platform_large(_: Rig, size: Size) -> list[Result]:
    """The same with 1,000,000 rows, once, and beside it with 95,000: does memory grow with the work?

    Some eight minutes on two cores.
    """
    few, many = (max(1_000, size.of(rows)) for rows in (95_000, 1_000_000))
    small, large = await _run(few, 2026), await _run(many, 2026)
    return [
        Result(f"upload of {many:,} rows to searchable", "s", "none", [large.searchable]),
        Result(
            f"live command during {many:,} rows to a reader, p99", "ms", "≤ 300", [1000 * percentile(large.waits, 99)]
        ),
        *(
            Result(
                f"{name}: memory during {many:,} rows ÷ during {few:,}",
                "MB",
                "none" if name in SERVERS else "< 300",
                [held / 1e6],
                [small.memory[name] / 1e6],
            )
            for name, held in large.memory.items()
        ),
        Result(f"all processes together during {many:,} rows", "MB", "≤ 2,500", [large.together / 1e6]),
    ]
