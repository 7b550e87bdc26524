"""Whom a client believes: the machine's authorities where there is TLS, read once."""

from __future__ import annotations

import ssl

from shared.trust import trust_for


def test_an_address_with_tls_is_verified_by_the_machines_authorities_which_are_read_once() -> None:
    trust = trust_for("https://registri.example/keys")
    assert isinstance(trust, ssl.SSLContext)
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust.cert_store_stats()["x509_ca"] > 0
    assert trust_for("https://lain.example") is trust
    assert trust_for("HTTPS://lain.example") is trust  # only what is surely without TLS is not verified


def test_without_tls_nothing_is_read() -> None:
    assert trust_for("http://registry-api:8000") is False
