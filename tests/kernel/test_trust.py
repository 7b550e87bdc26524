"""Whom a client believes: the machine's authorities where there is TLS, read once; no certificate that is not in order."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.relay import Relay
from shared.trust import _authorities, trust_for

NOW = datetime.now(UTC)


def test_an_address_with_tls_is_verified_by_the_machines_authorities_which_are_read_once() -> None:
    trust = trust_for("https://registri.example/keys")
    assert isinstance(trust, ssl.SSLContext)
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust.cert_store_stats()["x509_ca"] > 0
    assert trust_for("https://lain.example") is trust
    assert trust_for("HTTPS://lain.example") is trust  # only what is surely without TLS is not verified


def test_without_tls_nothing_is_read() -> None:
    assert trust_for("http://registry-api:8000") is False


class Authority:
    """An authority of certificates, and what it signs."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._sign(self._name, self._key, NOW + timedelta(days=1), None))

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime, host: str | None) -> bytes:
        usage = x509.KeyUsage(True, False, False, False, False, host is None, host is None, False, False)
        builder = (
            x509.CertificateBuilder(
                self._name, name, key.public_key(), x509.random_serial_number(), NOW - timedelta(days=9), until
            )
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def server(self, host: str, until: datetime) -> ssl.SSLContext:
        """Return what a server of this name shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        shown = self._folder / f"{host}-{until:%Y%m%d}.pem"
        shown.write_bytes(plain + self._sign(name, key, until, host))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown)
        return context


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve TLS on a port of this machine."""

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def opens(client: ssl.SSLContext, port: int) -> bool:
    """Tell whether a client that wants ``pesan.example`` believes who answers on the port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="pesan.example")
    except ssl.SSLCertVerificationError:
        return False
    writer.close()
    return True


def of_an_http_client(authority: Path) -> ssl.SSLContext:
    """Return what clients of services and webhooks go by, with an authority more on this machine."""
    _authorities.cache_clear()
    found = trust_for("https://pesan.example")
    assert isinstance(found, ssl.SSLContext)
    found.load_verify_locations(authority)
    return found


def of_a_client_of_kafka(authority: Path) -> ssl.SSLContext:
    """Return what clients of Kafka go by."""
    settings = KafkaSettings("pesan.example:9093", "registry", "x", "SASL_SSL", str(authority))
    found = settings.client()["ssl_context"]
    assert isinstance(found, ssl.SSLContext)
    return found


@pytest.mark.security(line="S5")
@pytest.mark.parametrize("client_of", [of_an_http_client, of_a_client_of_kafka])
async def test_an_expired_certificate_another_hosts_and_one_of_an_unknown_authority_are_refused(
    client_of: Callable[[Path], ssl.SSLContext], tmp_path: Path
) -> None:
    ours, unknown = Authority(tmp_path, "ours"), Authority(tmp_path, "unknown")
    client, tomorrow, yesterday = client_of(ours.file), NOW + timedelta(days=1), NOW - timedelta(days=1)
    cases = {
        "good": ours.server("pesan.example", tomorrow),
        "expired": ours.server("pesan.example", yesterday),
        "another host's": ours.server("lain.example", tomorrow),
        "of an unknown authority": unknown.server("pesan.example", tomorrow),
    }
    found = {}
    for name, server in cases.items():
        async with listening(server) as port:
            found[name] = await opens(client, port)
    _authorities.cache_clear()
    assert found == {"good": True, "expired": False, "another host's": False, "of an unknown authority": False}


async def nothing(connection: asyncpg.Connection, events: object) -> None:
    """Apply nothing."""


def consumer_of(settings: KafkaSettings) -> Consumer:
    """Return a consumer that has got no further than its broker."""
    return Consumer(
        name="c", topics=("t",), types=frozenset(), apply=nothing, pool=None, kafka=settings, instance="i"
    )  # fmt: skip


def relay_of(settings: KafkaSettings) -> Relay:
    """Return a relay whose database is away too."""
    return Relay("postgresql://127.0.0.1:1/tiada", settings, "uji")


@pytest.mark.parametrize("make", [relay_of, consumer_of])
async def test_an_authority_that_went_away_is_told_by_its_file_and_not_as_a_server(
    make: Callable[[KafkaSettings], Relay | Consumer], tmp_path: Path
) -> None:
    file, stop = tmp_path / "gone.pem", asyncio.Event()
    running = make(KafkaSettings("pesan.example:9093", "registry", "x", "SASL_SSL", str(file)))
    with capture_logs() as logs:
        task = asyncio.create_task(running.run(stop))
        async with asyncio.timeout(20):
            while running.problem == "starting" and not task.done():
                await asyncio.sleep(0.01)
        stop.set()
        await task
    assert running.problem == "broker"
    told = next(line for line in logs if line.get("away") == "broker")
    assert told["detail"] == f"KAFKA_CA_FILE cannot be read ({file}: No such file or directory)"
