"""A full disk: the data of one server on a filesystem of its own, that is filled to the last byte and emptied again."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random

from ops.stack.errors import StackError
from proof.history import now
from proof.leftovers import is_root, run
from proof.rig import Rig, Size

MEBIBYTE = 1024 * 1024
ROOM_MB = 192
"""What the filesystem has beyond the data that is put on it."""
LOOP_CONTROL = Path("/dev/loop-control")
TRY_AGAIN_SECONDS = 1.0
FULL_SECONDS = 4.0
"""How long the shortest full disk lasts: Kafka and PostgreSQL write in bursts."""


def missing_disk() -> str | None:
    """Say that no filesystem can be made and mounted here, and what to do."""
    if not is_root():
        return "mounting a small filesystem needs root; run the proof as root"
    lack = [name for name in ("mount", "umount") if shutil.which(name) is None]
    if lack:
        return f"{lack[0]} is not here; install it (Debian: apt-get install mount)"
    return None if _tries_to_mount() else "nothing can be mounted here (a container?); run the proof where it can"


def _tries_to_mount() -> bool:
    return run("unshare", "--mount", "true")


@contextmanager
def small_disk(point: Path, megabytes: int) -> Iterator[str]:
    """Mount a filesystem of this size at ``point`` for the time of the block; yield what kind it is.

    An ext4 on a loop device, else a tmpfs. Raises ``StackError``.
    """
    image = point.with_name(f"{point.name}.image")
    point.mkdir(parents=True, exist_ok=True)
    kind = _mount_loop(image, point, megabytes) or _mount_tmpfs(point, megabytes)
    if kind is None:
        raise StackError(f"No filesystem could be mounted at {point}: neither a loop device nor a tmpfs.")
    try:
        yield kind
    finally:
        # Whoever still holds a file of it keeps the space, not the mount.
        if not run("umount", point):
            run("umount", "--lazy", point)
        image.unlink(missing_ok=True)


def _mount_loop(image: Path, point: Path, megabytes: int) -> str | None:
    if not LOOP_CONTROL.exists() or shutil.which("mkfs.ext4") is None:
        return None
    with image.open("wb") as file:
        file.truncate(megabytes * MEBIBYTE)
    if run("mkfs.ext4", "-q", "-F", "-m", "0", image) and run("mount", "-o", "loop", image, point):
        return "ext4 on a loop device"
    image.unlink(missing_ok=True)
    return None


def _mount_tmpfs(point: Path, megabytes: int) -> str | None:
    return "tmpfs" if run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", point) else None


def fill(folder: Path) -> Path:
    """Write a file until nothing more fits, and return it."""
    filler = folder / "filler"
    block = bytes(MEBIBYTE)
    with filler.open("wb", buffering=0) as file:
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[: len(block) // 2]  # the last bytes too
    return filler


async def fill_disks(rig: Rig, size: Size, _: Random) -> None:
    """Fill the disk of Kafka, then that of PostgreSQL, for a while each; a supervisor starts what dies of it again."""
    kinds = []
    for name in ("kafka", "postgres"):
        async with _on_small_disk(rig, name) as (folder, kind):
            kinds.append(kind)
            for seconds in size.away:
                full = max(seconds, FULL_SECONDS)
                async with _supervised(rig, name) as deaths, rig.fault():
                    filler = await asyncio.to_thread(fill, folder)
                    await asyncio.sleep(full)
                    await asyncio.to_thread(filler.unlink)
                rig.notes.append(f"disk of {name} ({kind}) full for {full:g} s: it died {len(deaths)} times")


@asynccontextmanager
async def _supervised(rig: Rig, name: str) -> AsyncIterator[list[float]]:
    """Do what ``restart: unless-stopped`` does for the time of the block, and give the moments at which the server had died.

    It may be about to die of the full disk when there is room again.
    """
    deaths, over = list[float](), asyncio.Event()

    async def look_after() -> None:
        while not over.is_set():
            if not rig.stack.record().processes[name].alive:
                deaths.append(now())
                with suppress(StackError):  # as long as the disk is full
                    await rig.start(name)
            with suppress(TimeoutError):
                async with asyncio.timeout(TRY_AGAIN_SECONDS):
                    await over.wait()

    looking = asyncio.create_task(look_after())
    try:
        yield deaths
    finally:
        over.set()
        await looking


@asynccontextmanager
async def _on_small_disk(rig: Rig, name: str) -> AsyncIterator[tuple[Path, str]]:
    """Move a server's folder to a small filesystem for the time of the block, and back; it is stopped for both."""
    folder = rig.stack.home.kafka if name == "kafka" else rig.stack.home.postgres
    aside = folder.with_name(f"{folder.name}.aside")
    await asyncio.to_thread(rig.stack.stop, name)
    folder.rename(aside)
    with small_disk(folder, await asyncio.to_thread(_megabytes, aside) + ROOM_MB) as kind:
        await asyncio.to_thread(_copy, aside, folder)
        await asyncio.to_thread(shutil.rmtree, aside)
        await rig.start(name)
        try:
            yield folder, kind
        finally:
            if rig.stack.record().processes[name].alive:
                await asyncio.to_thread(rig.stack.stop, name)
            await asyncio.to_thread(_copy, folder, aside)
    folder.rmdir()
    aside.rename(folder)
    await rig.start(name)


def _megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*")) // MEBIBYTE


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with owners and modes; ``target`` may be there."""
    shutil.copytree(
        source, target, dirs_exist_ok=True, copy_function=_copy_file, ignore=shutil.ignore_patterns("lost+found")
    )
    for path in (source, *source.rglob("*")):
        if path.name != "lost+found":
            found = path.lstat()
            os.chown(target / path.relative_to(source), found.st_uid, found.st_gid, follow_symlinks=False)


def _copy_file(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)
