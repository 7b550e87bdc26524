"""The image of a service, built from the deployment's Dockerfile and fenced in as the compose file says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.models.containers import Container

from ops.stack import Stack
from ops.stack.processes import free_port, wait_until
from ops.stack.services import inherited, is_ready
from tests.containers.servers import deployed, engine, example, fences

ROOT = Path(__file__).parents[2]
SERVICE = "registry"
IMAGE = f"naikkelas/{SERVICE}:test"
READY_SECONDS = 40.0
pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # the first build fetches the product's packages
    pytest.mark.usefixtures("_built"),
]
INSIDE = "/run/secrets/jwks"


@pytest.fixture(scope="module")
def _built(container_stack: Stack) -> None:
    """Build the image; skipped where Python's is not there and would have to be fetched."""
    python = example()["PYTHON_IMAGE"]
    with engine() as client:
        if not client.images.list(python):
            pytest.skip(f"the container engine does not have {python}: docker pull")
        told = {"SERVICE": SERVICE, "PYTHON_IMAGE": python}
        client.images.build(path=str(ROOT), dockerfile="deploy/Dockerfile", tag=IMAGE, buildargs=told, rm=True)


@pytest.fixture
def jwks(container_stack: Stack, tmp_path: Path) -> Path:
    """The public keys of the stack, readable for the image's account."""
    path = tmp_path / "jwks.json"
    path.write_bytes(container_stack.home.jwks.read_bytes())
    path.chmod(0o644)
    return path


@contextmanager
def run(stack: Stack, jwks: Path, process: str, port: int = 0) -> Iterator[Container]:
    """Run a process of the image for the time of the block, on the network of this machine, where the servers listen."""
    compose = deployed(f"{SERVICE}-{process}")
    told = stack.env_for(SERVICE) | {"HTTP_PORT": str(port), "UPLOAD_DIR": "/tmp", "JWKS": INSIDE}
    with engine() as client:
        container = client.containers.run(
            IMAGE,
            command=compose["command"],
            environment={name: value for name, value in told.items() if name not in inherited()},
            network_mode="host",
            read_only=compose["read_only"],
            tmpfs={"/tmp": "size=64m,mode=1777"},
            volumes={str(jwks): {"bind": INSIDE, "mode": "ro"}},
            detach=True,
            **fences(compose),
        )
        try:
            yield container
        finally:
            container.remove(force=True, v=True)


@pytest.mark.security(line="S15")
def test_the_image_migrates_and_serves_as_an_account_without_rights(container_stack: Stack, jwks: Path) -> None:
    with run(container_stack, jwks, "migrate") as migration:
        assert migration.wait(timeout=60)["StatusCode"] == 0, migration.logs().decode()
    port = free_port(0)
    with run(container_stack, jwks, "api", port) as api:
        assert wait_until(lambda: is_ready(port)[0], READY_SECONDS), api.logs().decode()
        assert api.exec_run(["id", "-u"]).output == b"10001\n"
        assert api.exec_run(["touch", "/app/intruder"]).exit_code != 0
        held = set(api.exec_run(["ls", "services"]).output.decode().split())
        assert held == {"__init__.py", "__pycache__", SERVICE}


def test_a_process_of_the_image_ends_in_order_when_it_is_told_to(container_stack: Stack, jwks: Path) -> None:
    container_stack.migrate(SERVICE)
    port = free_port(0)
    with run(container_stack, jwks, "relay", port) as relay:
        assert wait_until(lambda: is_ready(port)[0], READY_SECONDS), relay.logs().decode()
        relay.stop(timeout=30)
        assert relay.wait(timeout=5)["StatusCode"] == 0, relay.logs().decode()
