"""The loop that takes up imports, in any number of processes: one after the other, a next one begun beside the last chunks of one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog
from pydantic import SecretStr

from services.registry.importing import store
from services.registry.importing.apply import FIRST_DELAY, LONGEST_DELAY, apply_job
from services.registry.importing.codes import FileRefusedError
from services.registry.importing.jobs import Job, State
from services.registry.importing.store import LeaseLostError
from services.registry.importing.workshop import StoppedError, Workshop
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.sealing import KeyRing

POLL_SECONDS = 0.25
MAX_ATTEMPTS = 5
_OUR_FAULT = "Impor gagal karena kesalahan sistem. Baris yang sudah selesai tetap tersimpan; kirim ulang berkas untuk melanjutkan."

log = structlog.get_logger(__name__)


class ImportSettings(Protocol):
    """The settings that the worker needs."""

    @property
    def key_encryption_key(self) -> SecretStr:
        """Base64 of 32 bytes."""

    @property
    def upload_dir(self) -> Path:
        """Scratch space: a file lies there while it is read."""

    @property
    def instance(self) -> str:
        """The stable name of this copy."""


async def run_import_worker(pool: asyncpg.Pool, settings: ImportSettings, stop: asyncio.Event) -> None:
    """Apply imports until ``stop`` is set. What a killed worker left is taken up after its lease, or at once by its own name."""
    ring = KeyRing(settings.key_encryption_key.get_secret_value())
    settings.upload_dir.mkdir(parents=True, exist_ok=True)
    shop = Workshop(pool, ring, settings.instance, settings.upload_dir, stop)
    hands, delay = _Hands(shop), FIRST_DELAY
    while not stop.is_set():
        try:
            busy = await hands.take()
            delay = FIRST_DELAY
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
            log.warning("import_worker_waits", error=type(error).__name__, seconds=delay)
            await _wait(stop, delay)
            delay = min(delay * 2, LONGEST_DELAY)
        else:
            if not busy:
                await _wait(stop, POLL_SECONDS)
    await hands.finish()


class _Hands:
    """The imports that a worker has in hand: the next one is begun while the last chunks of one are written."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._ending: asyncio.Task[None] | None = None
        self._held: set[UUID] = set()

    async def take(self) -> bool:
        """Take up the next job and go on until all of it is read; tell whether anything was to do. Raises as ``run_job``."""
        job = await store.claim_job(self._shop.pool, self._shop.holder, self._held)
        if job is None:
            had = self._ending is not None
            await self._end()
            return had
        all_read = asyncio.Event()
        task, reading = asyncio.create_task(self._run(job, all_read)), asyncio.create_task(all_read.wait())
        before, self._ending = self._ending, task
        try:
            watched = {task, reading} if before is None else {task, reading, before}
            while not (task.done() or reading.done()):
                done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                if before in done:
                    await before  # what went wrong with it is told at once, however long the next one takes
        finally:
            reading.cancel()
        if before is not None:
            await before
        if task.done():
            await self._end()
        return True

    async def _run(self, job: Job, all_read: asyncio.Event) -> None:
        self._held.add(job.id)
        try:
            await run_job(self._shop, job, all_read)
        finally:
            self._held.discard(job.id)

    async def _end(self) -> None:
        before, self._ending = self._ending, None
        if before is not None:
            await before

    async def finish(self) -> None:
        """Wait for what is in hand; it was told to stop."""
        with suppress(*SERVER_ERRORS):
            await self._end()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def run_job(shop: Workshop, job: Job, all_read: asyncio.Event | None = None) -> None:
    """Run one job and store how it ended; ``all_read`` as in ``apply_job``. Raises only what waiting can mend."""
    if job.attempts > MAX_ATTEMPTS:
        await _end(shop, job, "gagal", None, _OUR_FAULT)
        return
    task = asyncio.create_task(apply_job(shop, job, all_read or asyncio.Event()))
    await asyncio.wait({task})
    error = task.exception()
    if error is None:
        return
    if isinstance(error, FileRefusedError):
        log.info("import_refused", import_id=str(job.id), code=error.code.name)
        await _end(shop, job, "ditolak", error.code.name, error.reason)
    elif isinstance(error, StoppedError):
        await store.release_job(shop.pool, job, shop.holder)
    elif isinstance(error, LeaseLostError):
        log.warning("import_lease_lost", import_id=str(job.id))
    elif is_infrastructure_error(error):
        raise error
    else:
        log.error("import_failed", import_id=str(job.id), error=type(error).__name__, exc_info=error)
        await _end(shop, job, "gagal", None, _OUR_FAULT)


async def _end(shop: Workshop, job: Job, state: State, code: str | None, reason: str) -> None:
    """End a job that did not come through. Chunks that were applied stay; the version keeps to their facts."""
    async with shop.pool.acquire() as connection, connection.transaction():
        current = await store.find_job(connection, job.id)
        version = current.version if current is not None else job.version
        with suppress(LeaseLostError):
            await store.finish(
                connection, job, shop.holder, state, datetime.now(UTC), version=version, code=code, reason=reason
            )
