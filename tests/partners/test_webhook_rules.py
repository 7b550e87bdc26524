"""Rules of webhooks: where they may go, how they are signed, when what failed is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.partners.domain.destinations import read_url, why_closed
from services.partners.domain.refusals import UrlRefusedError
from services.partners.domain.signing import Signer, signed_headers, write_secret
from services.partners.domain.webhooks import LONGEST_WAIT, PATIENCE, Standing, after_failure
from services.partners.handlers.sealing import SecretBox
from shared.identifiers import new_id
from shared.sealing import UnreadableError
from tests.partners.bureau import WEBHOOK_KEYS

NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
INSIDE = (ip_network("10.20.0.0/16"), ip_network("fd12::/32"))

REFUSED = [
    ("http://instansi.example/", "https"),
    ("https://user@instansi.example/", "nama_pengguna"),
    ("https://user:sandi@instansi.example/", "nama_pengguna"),
    ("https://instansi.example/#a", "fragmen"),
    ("https://instansi.example/#", "fragmen"),
    ("https://instansi.example\\@10.0.0.1/", "karakter"),
    ("https://instansi.example/ a", "karakter"),
    ("https://instansi.example/\n", "karakter"),
    ("https://ínstansi.example/", "karakter"),
    ("ftp://instansi.example/", "bentuk"),
    ("file:///etc/passwd", "bentuk"),
    ("https:///jalan", "bentuk"),
    ("https://[::1", "bentuk"),
    ("https://[fe80::1%25eth0]/", "bentuk"),
    ("https://instansi.example:99999/", "bentuk"),
    ("https://instansi.example:22/", "porta"),
    ("https://instansi.example:25/", "porta"),
    ("https://instansi.example:5432/", "porta"),
    ("https://instansi.example:9092/", "porta"),
    ("https://instansi.example:8080/", "porta"),
    ("https://instansi.example:0/", "porta"),
    ("https://127.0.0.1/", "alamat_tertutup"),
    ("https://10.1.2.3/", "alamat_tertutup"),
    ("https://[::1]/", "alamat_tertutup"),
    ("https://[::ffff:127.0.0.1]/", "alamat_tertutup"),
    ("https://[64:ff9b::7f00:1]/", "alamat_tertutup"),
    ("https://169.254.169.254/latest/meta-data/", "alamat_metadata"),
    ("https://instansi.example/" + "a" * 500, "karakter"),
]


@pytest.mark.parametrize(("url", "why"), REFUSED)
@pytest.mark.security(line="S6")
def test_an_address_that_leads_elsewhere_is_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(UrlRefusedError) as refusal:
        read_url(url, ())
    assert refusal.value.values == {"why": why}


def test_an_https_address_of_the_internet_is_open() -> None:
    for url in ("https://instansi.example/a?b=c", "https://instansi.example:8443/", "https://8.8.8.8/"):
        assert read_url(url, ()).url == url


CLOSED = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "172.16.0.1",
    "192.168.1.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fc00::1",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.security(line="S6")
def test_a_name_that_means_an_inner_address_is_closed(address: str) -> None:
    destination = read_url("https://instansi.example/", ())
    assert why_closed(destination, ip_address(address), ()) == "alamat_tertutup"


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.169.254"])
@pytest.mark.security(line="S6")
def test_metadata_of_a_cloud_is_closed_also_where_the_operator_opened_everything(address: str) -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    destination = read_url("https://instansi.example/", everything)
    assert why_closed(destination, ip_address(address), everything) == "alamat_metadata"


def test_the_operators_networks_are_open_also_by_http_but_nothing_beside_them() -> None:
    destination = read_url("http://dinas.lokal:8080/", INSIDE)
    assert [
        why_closed(destination, ip_address(text), INSIDE) for text in ("10.20.3.4", "fd12::1", "::ffff:10.20.3.4")
    ] == [None] * 3
    assert why_closed(destination, ip_address("10.21.0.1"), INSIDE) == "alamat_tertutup"
    assert why_closed(destination, ip_address("8.8.8.8"), INSIDE) == "https"
    with pytest.raises(UrlRefusedError):
        read_url("http://10.20.3.4:5432/", INSIDE)


@given(st.integers(0, 2**32 - 1))
@pytest.mark.security(line="S6")
def test_without_networks_no_address_that_is_not_global_is_open(number: int) -> None:
    destination, address = read_url("https://instansi.example/", ()), ip_address(number)
    assert (why_closed(destination, address, ()) is None) <= (address.is_global and not address.is_multicast)


@given(st.text(max_size=300), st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4, unique=True))
@pytest.mark.security(line="S7")
def test_the_official_library_takes_every_secret_and_tells_a_changed_body(text: str, secrets: list[bytes]) -> None:
    body, now = text.encode(), datetime.now(timezone(timedelta(hours=8)))
    headers = signed_headers([Signer(secret) for secret in secrets], "id-1", now.timestamp(), body)
    assert headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert len(headers["webhook-signature"].split(" ")) == len(secrets)
    for secret in secrets:
        judge = Webhook(write_secret(secret))
        judge.verify(body, headers, json_parse=False)
        for changed in ((body + b"x", headers), (body, headers | {"webhook-id": "id-2"})):
            with pytest.raises(WebhookVerificationError):
                judge.verify(*changed, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(write_secret(b"x" * 33)).verify(body, headers, json_parse=False)


@given(st.integers(0, 100), st.floats(0, 1), st.one_of(st.none(), st.integers(0, 86_400)))
def test_waits_are_bounded_random_and_at_least_what_was_asked_for(tries: int, chance: float, asked: int | None) -> None:
    wanted = None if asked is None else timedelta(seconds=asked)
    failed = after_failure(Standing(tries, NOW - timedelta(days=1)), NOW, wanted, chance)
    assert failed.due_at is not None
    wait = failed.due_at - NOW
    assert timedelta(seconds=1) <= wait <= max(LONGEST_WAIT, wanted or LONGEST_WAIT)
    assert wanted is None or wait >= wanted
    assert failed.standing.tries == tries + 1


def test_it_is_tried_for_three_days_and_then_no_more() -> None:
    standing, now, tries = Standing(), NOW, 0
    while True:
        failed = after_failure(standing, now, None, 1.0)
        if failed.due_at is None:
            break
        standing, now, tries = failed.standing, failed.due_at, tries + 1
    assert PATIENCE <= now - NOW <= PATIENCE + LONGEST_WAIT
    assert 70 < tries < 100


def test_a_secret_opens_under_an_older_key_but_under_no_other_key_and_no_other_id() -> None:
    newer, older = WEBHOOK_KEYS.splitlines()
    secret, wrapped = SecretBox([older]).new(new_id())
    assert SecretBox([newer, older]).open(wrapped) == secret
    assert secret not in wrapped.wrapped
    with pytest.raises(UnreadableError):
        SecretBox([newer]).open(wrapped)
