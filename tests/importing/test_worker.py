"""A worker begins the next file while the last chunks of one are written, and what comes of it is what one after the other comes to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from services.registry.importing import apply
from services.registry.importing.jobs import OPEN_STATES, Job
from services.registry.importing.worker import run_import_worker
from tests.importing.conftest import KEK
from tests.importing.office import Office, csv_text, row
from tests.importing.test_chunks import GAPS, STATE, crowd, registry
from tests.stack.servers import Postgres

PATIENCE = 60.0


@dataclass(frozen=True)
class Settings:
    """What a worker is told."""

    upload_dir: Path
    instance: str = "worker-1"
    key_encryption_key: SecretStr = field(default_factory=lambda: SecretStr(KEK))


async def work(office: Office, jobs: list[UUID], instance: str = "worker-1") -> list[Job]:
    """Let a worker run until these jobs are done; return them."""
    stop = asyncio.Event()
    working = asyncio.create_task(run_import_worker(office.pool, Settings(office.folder, instance), stop))
    async with asyncio.timeout(PATIENCE):
        for job_id in jobs:
            while (await office.job(job_id)).state in OPEN_STATES:
                await asyncio.wait([working], timeout=0.02)
                assert not working.done()
    stop.set()
    await working
    return [await office.job(job_id) for job_id in jobs]


async def test_files_that_are_begun_side_by_side_come_to_what_they_come_to_one_after_the_other(
    postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK_ROWS", 20)
    texts = [csv_text(crowd(seed, rows)) for seed, rows in enumerate((50, 15, 40, 20, 60))]
    texts.insert(2, "tidak ada kolom\r\n")
    texts.append(texts[0])
    async with registry(postgres_server, tmp_path) as office:
        alone = [await office.run(text) for text in texts]
        expected = sorted(str(tuple(state)) for state in await office.pool.fetch(STATE))
    async with registry(postgres_server, tmp_path) as office:
        waiting = [(await office.enqueue(text.encode())).id for text in texts]
        found = await work(office, waiting)
        assert sorted(str(tuple(state)) for state in await office.pool.fetch(STATE)) == expected
        assert await office.pool.fetchval(GAPS) == 0
    assert [(job.state, job.totals()) for job in found] == [(job.state, job.totals()) for job in alone]
    assert (found[2].state, found[-1].fact_count) == ("ditolak", 0)


async def test_a_worker_that_is_told_to_stop_gives_its_files_back_after_a_whole_chunk(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK_ROWS", 50)
    texts = [csv_text([row(number) for number in range(start, start + 2_000)]) for start in (0, 2_000)]
    jobs = [await office.enqueue(text.encode()) for text in texts]
    stop = asyncio.Event()
    working = asyncio.create_task(run_import_worker(office.pool, Settings(office.folder), stop))
    while (await office.job(jobs[0].id)).last_number == 0:
        await asyncio.wait([working], timeout=0.005)
    stop.set()
    async with asyncio.timeout(10):
        await working
    told = await office.job(jobs[0].id)
    assert (told.state, told.attempts) == ("berjalan", 0)
    assert 0 < told.last_number < 2_000
    done = await work(office, [job.id for job in jobs], "worker-2")
    assert [(job.state, job.totals()["rows"]) for job in done] == [("selesai", 2_000)] * 2
    assert (await office.count("business"), await office.pool.fetchval(GAPS)) == (4_000, 0)
