"""Who owns which shard: a session advisory lock on a connection of its own, and an epoch that fences the cursor.

If the connection dies, the locks are gone with it, so the owner asks the connection before each wave that it publishes. A relay
that was stopped and continued can at worst publish again what is out already; its cursor writes change no row,
because the epoch moved on. The server ends the connection of a relay that is frozen: by its silence, so one that only waits,
for a slow broker or a slow read, must not be silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

import asyncpg

from shared.outbox import WAKE_CHANNEL
from shared.relay.reading import Cursor

SHARDS = 8
LOCK_CLASS = 7420
SAVE_SECONDS = 0.25
"""How long the cursor is kept in memory under load; so much is published again if the process is killed."""


class LeadershipLostError(ConnectionError):
    """The shards belong to somebody else, or to nobody; start again from the locks."""


_SAVE = """
UPDATE relay_cursor SET base = mine.base::pg_snapshot, target = mine.target::pg_snapshot, last_id = mine.last_id,
       published = relay_cursor.published + mine.published, published_at = now()
FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
     AS mine(shard, epoch, base, target, last_id, published)
WHERE relay_cursor.shard = mine.shard AND relay_cursor.epoch = mine.epoch
"""


class Leadership:
    """The shards that this process owns, with their cursors."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._epochs: dict[int, int] = {}
        self._unsaved: dict[int, int] = {}
        """Shards whose cursor moved since it was saved, each with its part of the rows published meanwhile."""
        self._saved_at = 0.0
        self._turn = asyncio.Lock()
        """Held for each use of the connection while ``speaking``: it can do one thing at a time."""
        self.cursors: dict[int, Cursor] = {}

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever a writer hints at new rows."""
        await self._connection.add_listener(WAKE_CHANNEL, lambda *_: wake())

    async def claim(self, wanted: int) -> int:
        """Take free shards until ``wanted`` are owned; return how many are owned now."""
        for shard in range(SHARDS):
            if len(self.cursors) >= wanted:
                break
            if shard not in self.cursors and await self._lock(shard):
                await self._adopt(shard)
        return len(self.cursors)

    async def _lock(self, shard: int) -> bool:
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK_CLASS, shard))

    async def _adopt(self, shard: int) -> None:
        row = await self._connection.fetchrow(
            "UPDATE relay_cursor SET epoch = epoch + 1 WHERE shard = $1 "
            "RETURNING epoch, base::text, target::text, last_id",
            shard,
        )
        if row is None:
            raise LeadershipLostError(f"relay_cursor has no shard {shard}; run the migrations")
        self._epochs[shard] = row["epoch"]
        self.cursors[shard] = Cursor(row["base"], row["target"], row["last_id"])

    async def release(self, keep: int) -> None:
        """Give shards back until ``keep`` are left, so that another relay can take its share."""
        if len(self.cursors) > keep:
            await self.save()
        while len(self.cursors) > keep:
            shard, _ = self.cursors.popitem()
            del self._epochs[shard]
            await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", LOCK_CLASS, shard)

    async def confirm(self) -> None:
        """Ask the connection that holds the locks whether it still lives. Raises what asyncpg raises if not."""
        async with self._turn:
            await self._connection.execute("SELECT 1")

    @asynccontextmanager
    async def speaking(self, every: float) -> AsyncIterator[None]:
        """Let the connection say something every so many seconds, whatever the block waits for. It may only confirm, move and save.

        Raises what asyncpg raises if the connection died.
        """
        ended, speakers = asyncio.Event(), list[asyncio.Task[None]]()
        died: BaseException | None = None
        # A task for each round would cost a relay at rest as much again as all else that it does.
        timer = asyncio.get_running_loop().call_later(
            every, lambda: speakers.append(asyncio.create_task(self._speak(every, ended)))
        )
        try:
            yield
        finally:
            timer.cancel()
            ended.set()
            for speaker in speakers:
                await asyncio.wait([speaker])
                died = speaker.exception()
        if died is not None:
            raise died

    async def _speak(self, every: float, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.confirm()
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await ended.wait()

    def groups(self) -> list[tuple[Cursor, list[int]]]:
        """Return the owned shards grouped by equal cursor: one read serves a group."""
        found: dict[Cursor, list[int]] = {}
        for shard, cursor in self.cursors.items():
            found.setdefault(cursor, []).append(shard)
        return list(found.items())

    async def move(self, shards: Sequence[int], cursor: Cursor, published: int) -> None:
        """Move the cursor of ``shards``, and save it if it was not for a while. Raises ``LeadershipLostError``.

        What was published is counted to the last row: most rounds have fewer rows than there are shards.
        """
        part, left = divmod(published, len(shards))
        for number, shard in enumerate(shards):
            self.cursors[shard] = cursor
            self._unsaved[shard] = self._unsaved.get(shard, 0) + part + (number < left)
        if monotonic() - self._saved_at >= SAVE_SECONDS:
            await self.save()

    async def save(self) -> None:
        """Store the cursors that moved. Raises ``LeadershipLostError`` if one of the shards has another owner by now."""
        if not self._unsaved:
            return
        unsaved, self._unsaved = self._unsaved, {}
        cursors = [self.cursors[shard] for shard in unsaved]
        async with self._turn:
            done = await self._connection.execute(
                _SAVE,
                list(unsaved),
                [self._epochs[shard] for shard in unsaved],
                [cursor.base for cursor in cursors],
                [cursor.target for cursor in cursors],
                [cursor.last_id for cursor in cursors],
                list(unsaved.values()),
            )
        self._saved_at = monotonic()
        if done != f"UPDATE {len(unsaved)}":
            raise LeadershipLostError("another relay owns the shard")
