"""What the run does to the platform, one function a step. Each raises ``BrokenError`` where the platform is not as it should be."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from docker.errors import DockerException

from ops.generator import generate
from ops.stack.processes import wait_until
from shared.auth import Role
from tests.compose.load import Counts, Load
from tests.compose.platform import PROJECT, SCALABLE, BrokenError, Platform
from tests.containers.images.build import build, make_base
from tests.containers.images.programs import Say
from tests.containers.servers import engine, example

IMAGES = ("python", "kafka", "postgres", "caddy", "mailpit")
"""Those of ``.env.example`` that the run needs."""
FILES, ROWS = 3, 1_000
MAILS = 3
OTHERS = 3
"""Containers that run beside services and brokers: PostgreSQL, proxy, mail catcher."""
STEP_SECONDS = 300.0
PLACE = "64.71.01.1001"
BACKUP = "/var/lib/naikkelas/uji"
UNITS = {"B": 1e-6, "KiB": 1 / 976.5625, "MiB": 1.048576, "GiB": 1073.741824}


def has_images(say: Say) -> list[str]:
    """Have the engine hold every image; what cannot be pulled is stood in for. Return the names of stand-ins."""
    with engine() as client:
        missing = [name for name in IMAGES if not client.images.list(example()[f"{name.upper()}_IMAGE"])]
        if missing:
            say(f"pulling {', '.join(missing)}")
            with suppress(DockerException):
                for name in missing:
                    client.images.pull(example()[f"{name.upper()}_IMAGE"])
                missing = []
        if missing:
            say("no registry of images answers: building stand-ins")
            make_base(client)
        for name in missing:
            build(client, name)
        held = {name: client.images.get(example()[f"{name.upper()}_IMAGE"]) for name in IMAGES}
        return [name for name, image in held.items() if "naikkelas.stand-in" in image.labels]


def stays_shut(platform: Platform) -> None:
    """With what is missing in ``.env.example`` nothing starts."""
    done = subprocess.run(
        ["docker", "compose", "--project-name", PROJECT, "--file", "compose.yaml", "--env-file", ".env.example", "up"],
        cwd=platform.deploy, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if done.returncode == 0 or "missing a value" not in done.stderr:
        raise BrokenError("compose started from the example as it is")


def comes_up(platform: Platform) -> str:
    """Everything is healthy, as an account without rights, on a file system that cannot be written."""
    platform.up()
    lasting = [one for one in platform.containers() if one["State"]["Status"] == "running"]
    ill = [one["Name"] for one in lasting if one["State"]["Health"]["Status"] != "healthy"]
    if ill or len(lasting) != len(SCALABLE) + len(platform.brokers) + OTHERS:
        raise BrokenError(f"{len(lasting)} containers run; not healthy: {', '.join(ill) or 'none'}")
    for one in lasting:
        host = one["HostConfig"]
        if not host["ReadonlyRootfs"] or host["CapDrop"] != ["ALL"] or not host["Memory"]:
            raise BrokenError(f"{one['Name']} is not fenced in")
        published = [place["HostIp"] for places in (host["PortBindings"] or {}).values() for place in places]
        if published not in ([], ["127.0.0.1"]):
            raise BrokenError(f"{one['Name']} is published on {published}")
    return f"{len(lasting)} containers healthy, {held_memory():,.0f} MB in all"


def held_memory() -> float:
    """Return the megabytes that the project's containers hold, by the engine."""
    command = ["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [re.match(r"(\S+) ([\d.]+)(\w+)", line) for line in lines if line.startswith(PROJECT)]
    return sum(float(match[2]) * UNITS[match[3]] for match in found if match)


def imports(platform: Platform, folder: Path) -> str:
    """Spreadsheets of kelurahan go in by HTTP, and what was planted comes out."""
    planted = generate(folder, ROWS).files[:FILES]
    headers = {"Authorization": f"Bearer {platform.token(Role.PETUGAS_DINAS, Role.OPERATOR)}"}
    rows = 0
    with httpx2.Client(base_url=f"{platform.url}/registry", headers=headers, timeout=60) as client:
        for file in planted:
            content = (folder / file.name).read_bytes()
            answer = client.post(
                "/imports", params={"kelurahan": file.kelurahan}, files={"file": (file.name, content)},
                headers={"Idempotency-Key": uuid4().hex},
            )  # fmt: skip
            job = _expect(answer, 202)
            wait_until(lambda job=job: _ended(client, job), STEP_SECONDS)
            told = client.get(f"/imports/{job['id']}").json()
            if told["state"] != "selesai":
                raise BrokenError(f"the import of {file.name} is {told['state']}: {told}")
            rows += file.rows
        businesses = client.get("/businesses", params={"limit": 1}).json()["items"]
    if not businesses:
        raise BrokenError("the imports left no business")
    return f"{len(planted)} files with {rows} rows"


def _ended(client: httpx2.Client, job: dict[str, Any]) -> bool:
    return client.get(f"/imports/{job['id']}").json()["state"] in {"selesai", "ditolak", "gagal"}


def _expect(answer: httpx2.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise BrokenError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    return dict(answer.json())


def mails(platform: Platform) -> str:
    """Owners who registered with an address are written to: a mail each, caught by the mail catcher."""
    headers = {"Authorization": f"Bearer {platform.token(Role.PETUGAS_DINAS)}"}
    with httpx2.Client(base_url=platform.url, headers=headers, timeout=30) as client:
        for number in range(MAILS):
            body = {"name": f"Pemilik Surat {number}", "kelurahan": PLACE, "email": f"surat{number}@umkm.example"}
            body |= {"channel": "email", "consents": {"notifications": True}}
            _expect(client.post("/registry/owners", json=body, headers={"Idempotency-Key": uuid4().hex}), 201)
        wait_until(lambda: _caught(platform) >= MAILS, STEP_SECONDS)
    if _caught(platform) != MAILS:
        raise BrokenError(f"{_caught(platform)} mails were caught, not {MAILS}")
    return f"{MAILS} mails caught"


def _caught(platform: Platform) -> int:
    answer = httpx2.get(f"{platform.mail_url}/api/v1/messages", timeout=10)
    return sum("surat" in to["Address"] for mail in answer.json()["messages"] for to in mail["To"])


def hides(platform: Platform) -> None:
    """Keys, health and metrics cannot be asked for from outside."""
    for path in ("/registry/keys", "/registry/health/ready", "/partners/metrics", "/"):
        if httpx2.get(platform.url + path, timeout=10).status_code != 404:
            raise BrokenError(f"{path} is answered from outside")


def scales(platform: Platform, load: Load, copies: int) -> str:
    """Every service and relay is brought to this number of copies under load; no request fails."""
    with load.running() as counts:
        platform.up(dict.fromkeys(SCALABLE, copies))
    for name in SCALABLE:
        if len(platform.containers(name)) != copies:
            raise BrokenError(f"{name} has {len(platform.containers(name))} copies")
    return _clean(counts)


def restarts(platform: Platform, load: Load, say: Say) -> str:
    """Each copy of each service is stopped in order and started again under load, one after another."""
    ended_badly: list[str] = []

    def work() -> None:
        for name in SCALABLE:
            for one in platform.containers(name):
                with engine() as client:
                    client.containers.get(one["Id"]).stop(timeout=30)
                    container = client.containers.get(one["Id"])
                    if container.attrs["State"]["ExitCode"] != 0:
                        ended_badly.append(f"{one['Name']} ended with {container.attrs['State']['ExitCode']}")
                    container.start()
                _until_healthy(platform, one["Id"])
            say(f"  {name}: {load.counts}")

    with load.running() as counts:
        work()
    if ended_badly:
        raise BrokenError("; ".join(ended_badly))
    return _clean(counts)


def kills(platform: Platform, load: Load, say: Say) -> str:
    """One copy of each service, then both servers, are killed under load; the engine starts them again.

    Requests may fail while a server is away; whatever was answered must be there (the audit after this tells).
    """
    with load.running() as counts:
        for name in SCALABLE:
            _kill(platform, platform.containers(name)[0])
        say(f"  services: {counts}")
        _clean(counts)
        for name in ("kafka", "postgres"):
            _kill(platform, platform.containers(name)[0])
            say(f"  and {name}: {counts}")
        for one in platform.containers():
            if one["State"]["Status"] == "running":
                _until_healthy(platform, one["Id"])
    return str(counts)


def loses_brokers(platform: Platform, load: Load, say: Say) -> str:
    """Each broker is killed under load, one after another, and comes back; no request fails, and each time nothing is lost."""
    for name in platform.brokers:
        with load.running() as counts:
            _kill(platform, platform.containers(name)[0])
        say(f"  {name}: {_clean(counts)}; {audited(platform)}")
    return f"{len(platform.brokers)} brokers killed in turn"


def _kill(platform: Platform, one: dict[str, Any]) -> None:
    """Kill a container's first process as a crash would. `docker kill` is an operator's word: nothing restarts after it."""
    before = one["RestartCount"]
    os.kill(one["State"]["Pid"], signal.SIGKILL)

    def came_back() -> bool:
        with engine() as client:
            attrs: dict[str, Any] = client.containers.get(one["Id"]).attrs
            return int(attrs["RestartCount"]) > before and bool(attrs["State"]["Running"])

    if not wait_until(came_back, STEP_SECONDS):
        raise BrokenError(f"{one['Name']} was killed and is not started again")
    _until_healthy(platform, one["Id"])


def _until_healthy(platform: Platform, container: str) -> None:
    def healthy() -> bool:
        with engine() as client:
            state: dict[str, Any] = client.containers.get(container).attrs["State"]
            return bool(state.get("Health", {}).get("Status") == "healthy")

    if not wait_until(healthy, STEP_SECONDS):
        raise BrokenError(f"not healthy within {STEP_SECONDS:.0f} s:\n{platform.troubles()}")


def _clean(counts: Counts) -> str:
    if counts.failed or not counts.asked:
        raise BrokenError(f"{counts}: {'; '.join(counts.failed[:5])}")
    return str(counts)


def backs_up(platform: Platform) -> str:
    """A backup of all databases is made while the platform runs, by an account without rights, into a volume of its own."""
    return _last(platform.tool("backup", "backup", BACKUP))


def restores(platform: Platform) -> str:
    """Nothing is overwritten; into empty volumes the backup is brought back, and Kafka is filled from it."""
    refused = platform.tool("restore", "restore", BACKUP, "--yes", check=False)
    if refused.returncode != 1:
        raise BrokenError(
            f"a restore over a platform that runs ended with {refused.returncode}: {refused.stderr[-1500:]}"
        )
    platform.empty("postgres-data", "kafka-data")
    platform.compose("up", "--detach", "--wait", "--wait-timeout", str(int(STEP_SECONDS)), "postgres", "kafka")
    told = _last(platform.tool("restore", "restore", BACKUP, "--yes"))
    platform.up()
    return told


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout.strip() or done.stderr.strip()).rpartition("\n")[2]


def audited(platform: Platform) -> str:
    """The audit, run from the operator's image, finds nothing."""
    report = platform.audit()
    return f"the audit is green: {report['events']:,} events of {report['aggregates']:,} aggregates"


Step = Callable[[], str | None]
