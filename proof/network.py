"""Networks that fail: a proxy that cuts, falls silent or is slow, and network namespaces with a cable between them.

``python -m proof.network HOST PORT…`` passes each port of 127.0.0.1 on to the same port of HOST: the far end of such a cable.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from ops.stack import processes
from ops.stack.processes import HOST
from ops.stack.services import ROOT, inherited
from proof.faults import SESSION_SECONDS
from proof.leftovers import PREFIX, is_root, remove_namespaces, run
from proof.rig import Rig, Size, within

VICTIM = "projections-worker"
DELAY_SECONDS = 0.15
CHUNK = 65_536


class Cable:
    """A TCP proxy in front of one server of this machine. What Kafka says of its own address is led over it too."""

    def __init__(self, target: int, *, host: str = HOST, kafka: bool = False) -> None:
        self._target = target
        self._host = host
        self._kafka = kafka
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.there, self.back = asyncio.Event(), asyncio.Event()
        """Cleared: what is sent that way stays on the way, and no connection is closed."""
        self.delay = 0.0
        """Seconds that each piece takes, each way."""

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._ends) // 2

    async def lay(self, port: int) -> None:
        """Listen on a port."""
        self.open()
        self.port = port
        self._server = await asyncio.start_server(self._join, self._host, port)

    def open(self) -> None:
        """Let everything through, both ways."""
        for way in (self.there, self.back):
            way.set()

    def cut(self) -> None:
        """Reset every connection."""
        for end in list(self._ends):
            end.transport.abort()

    async def remove(self) -> None:
        """End it all."""
        self.open()
        if self._server is not None:
            self._server.close()
        self.cut()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._ends |= ends
        back = self._pump_frames if self._kafka else self._pump
        try:
            ways = [self._pump(reader, far_writer, self.there), back(far_reader, writer, self.back)]
            tasks = [asyncio.create_task(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._ends -= ends
            for end in ends:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: asyncio.Event) -> None:
        while data := await reader.read(CHUNK):
            await self._send(writer, data, way)

    async def _pump_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: asyncio.Event
    ) -> None:
        """Pass on answers of Kafka whole, with our port in the place of its own wherever it names its address."""
        address = HOST.encode()
        own, ours = address + self._target.to_bytes(4, "big"), address + self.port.to_bytes(4, "big")
        while True:
            size = await reader.readexactly(4)
            answer = await reader.readexactly(int.from_bytes(size, "big"))
            await self._send(writer, size + answer.replace(own, ours), way)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes, way: asyncio.Event) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        await way.wait()
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def _cables(rig: Rig, host: str = HOST) -> AsyncIterator[list[Cable]]:
    """Lay a cable to Kafka and one to PostgreSQL, and lead the victim over them from its next start on."""
    ports = rig.stack.record().ports
    laid = [Cable(ports["kafka"], host=host, kafka=True), Cable(ports["postgres"], host=host)]
    try:
        for cable in laid:
            await cable.lay(processes.free_port(0))
        dsn = rig.stack.dsn("projections", "projections").replace(f":{ports['postgres']}/", f":{laid[1].port}/")
        rig.stack.extra_env[VICTIM] = {"KAFKA_BOOTSTRAP": f"{HOST}:{laid[0].port}", "DATABASE_DSN": dsn}
        yield laid
    finally:
        await asyncio.to_thread(rig.stack.stop, VICTIM)
        rig.stack.extra_env.pop(VICTIM)
        for cable in laid:
            await cable.remove()
        await rig.start(VICTIM)


async def fail_by_proxy(rig: Rig, size: Size, _: Random) -> None:
    """Cut a consumer's connections, slow them down, let one way and then both fall silent for longer than the session."""
    await asyncio.to_thread(rig.stack.stop, VICTIM)
    async with _cables(rig) as cables:
        await rig.start(VICTIM)
        for _strike in range(size.strikes):
            async with rig.fault():
                for cable in cables:
                    cable.cut()
        async with rig.fault():
            await _for_all(cables, delay=DELAY_SECONDS, seconds=size.away[0])
        ways: list[tuple[bool, bool]] = [(True, False), (False, True), (False, False)]
        for there, back in ways if size.strikes > len(ways) else ways[:1]:
            async with rig.fault():
                await _for_all(cables, there=there, back=back, seconds=SESSION_SECONDS + 3)


async def _for_all(
    cables: Sequence[Cable], *, there: bool = True, back: bool = True, delay: float = 0.0, seconds: float
) -> None:
    for cable in cables:
        cable.delay = delay
        for way, opened in ((cable.there, there), (cable.back, back)):
            way.set() if opened else way.clear()
    await asyncio.sleep(seconds)
    for cable in cables:
        cable.delay = 0.0
        cable.open()


# -- network namespaces ----------------------------------------------------------------------------------------------


def missing_namespaces() -> str | None:
    """Say what is missing for a network namespace, and what to do."""
    if not is_root():
        return "a network namespace needs root; run the proof as root"
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            return f"{program} is not here; install it (Debian: apt-get install {package})"
    trial = "nk-trial-0"
    made = run("ip", "netns", "add", trial)
    able = made and run("ip", "netns", "exec", trial, "nft", "add", "table", "inet", "trial")
    run("ip", "netns", "delete", trial)
    return (
        None if able else "network namespaces with nft cannot be made here; run the proof on a machine where they can"
    )


@dataclass(frozen=True, slots=True)
class Island:
    """A network namespace with one cable to this machine."""

    name: str
    near: str
    far: str
    near_address: str
    far_address: str

    def make(self) -> None:
        """Make it. Raises ``AssertionError`` naming the command that failed."""
        for command in (
            f"ip netns add {self.name}",
            f"ip link add {self.near} type veth peer name {self.far} netns {self.name}",
            f"ip address add {self.near_address}/30 dev {self.near}",
            f"ip link set {self.near} up",
            f"ip -n {self.name} address add {self.far_address}/30 dev {self.far}",
            f"ip -n {self.name} link set {self.far} up",
            f"ip -n {self.name} link set lo up",
        ):
            assert run(*command.split()), f"{command} failed"

    def inside(self) -> list[str]:
        """Return the words before a command that is to run in it."""
        return ["ip", "netns", "exec", self.name]

    def drop(self, hook: str, device: str) -> bool:
        """Drop what leaves (``output``) or comes in (``input``) over a device, without a word to anybody."""
        key = "oifname" if hook == "output" else "iifname"
        rules = (
            f"add table inet cut; add chain inet cut {hook} {{ type filter hook {hook} priority 0; }}; "
            f"add rule inet cut {hook} {key} {device} counter drop"
        )
        return run(*self.inside(), "nft", rules)

    def mend(self) -> None:
        """Let everything through again, at once."""
        run(*self.inside(), "nft", "delete", "table", "inet", "cut")
        run(*self.inside(), "tc", "qdisc", "delete", "dev", self.far, "root")

    def disturb(self) -> bool:
        """Delay and lose packets; ``False`` where this kernel cannot."""
        return run(
            *self.inside(),
            "tc",
            "qdisc",
            "add",
            "dev",
            self.far,
            "root",
            "netem",
            "delay",
            "100ms",
            "30ms",
            "loss",
            "3%",
        )


async def fail_by_namespace(rig: Rig, size: Size, dice: Random) -> None:
    """Put a consumer into a network namespace, and drop its packets: one way, both ways, past its session; delay and loss."""
    mark, number = rig.folder.name.removeprefix(PREFIX), dice.randrange(1, 250)
    island = Island(f"nk-{mark}-0", f"nkn{number}", f"nkf{number}", f"10.213.{number}.1", f"10.213.{number}.2")
    forwarder: processes.Started | None = None
    await asyncio.to_thread(rig.stack.stop, VICTIM)
    try:
        island.make()
        async with _cables(rig, island.near_address) as cables:
            ports = [str(cable.port) for cable in cables]
            command = [*island.inside(), sys.executable, "-m", "proof.network", island.near_address, *ports]
            log = rig.stack.home.logs / "forwarder.log"
            forwarder = processes.start(command, log=log, env=inherited(), cwd=ROOT)
            rig.stack.prefixes[VICTIM] = island.inside()
            await asyncio.to_thread(lambda: rig.stack.start(VICTIM, wait=False))
            async with within(30, "the consumer in its namespace to connect"):
                while not all(cable.connections for cable in cables):
                    await asyncio.sleep(0.1)
            try:
                await _strike_island(rig, island, size)
            finally:
                island.mend()
                rig.stack.prefixes.pop(VICTIM)
    finally:
        if forwarder is not None:
            processes.kill(forwarder)
        remove_namespaces(rig.folder.name)


async def _strike_island(rig: Rig, island: Island, size: Size) -> None:
    strikes: list[tuple[str, Callable[[], bool], float]] = [
        ("both ways silent past the session", lambda: island.drop("output", island.far) and island.drop("input", island.far),
         SESSION_SECONDS + 3),
        ("one way silent", lambda: island.drop("output", island.far), size.away[0]),
        ("the other way silent", lambda: island.drop("input", island.far), size.away[0]),
        ("delay of 100 ms and loss of 3 %", island.disturb, size.away[0]),
    ]  # fmt: skip
    for name, strike, seconds in strikes:
        if not strike():
            assert strike == island.disturb, f"{name}: nft refused the rule"
            rig.notes.append(f"{name}: skipped, this kernel has no netem")
            continue
        async with rig.fault():
            await asyncio.sleep(seconds)
            island.mend()


# -- the far end -----------------------------------------------------------------------------------------------------


async def _forward(host: str, port: int) -> asyncio.Server:
    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(host, port)
            ways: list[Awaitable[None]] = [_copy(reader, far_writer), _copy(far_reader, writer)]
            await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
            far_writer.close()
        writer.close()

    return await asyncio.start_server(join, HOST, port)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


async def _serve(host: str, ports: Sequence[int]) -> None:
    servers = [await _forward(host, port) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], [int(port) for port in sys.argv[2:]]))
