"""Receipts, stand-ins and short texts as pure rules: any order of telling ends the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.api.told import UnreadableError, read_sms, read_whatsapp
from services.notifications.domain.brief import SMS_PLACES, SMS_PLACES_UNICODE, WHATSAPP_TEXT, sms_text, whatsapp_text
from services.notifications.domain.callbacks import ReceiptSecrets
from services.notifications.domain.messages import MOVES, State, decide_for_officer
from services.notifications.domain.phones import reachable
from services.notifications.domain.receipts import (
    ARRIVED,
    TOLD,
    AttemptState,
    below,
    further,
    key_of,
    message_after,
)
from services.notifications.domain.routes import Routes
from shared.retry_after import pause_of

TELLABLE = st.lists(st.sampled_from(sorted(TOLD)), max_size=8)
BEGINNINGS = st.sampled_from(
    [
        (State.SENT, AttemptState.ACCEPTED),
        (State.UNKNOWN, AttemptState.UNKNOWN),
        (State.SENDING, AttemptState.HANDED_OVER),
        (State.QUEUED, AttemptState.REFUSED),
    ]
)
CHANNELS = ("whatsapp", "sms", "email", "console")


def after(beginning: tuple[State, AttemptState], told: list[AttemptState]) -> tuple[State, AttemptState]:
    """Return message and attempt after all these receipts, one after another, as the handler takes them."""
    state, attempt = beginning
    for receipt in told:
        if further(attempt, receipt) is attempt:
            continue
        attempt = receipt
        state = message_after(state, receipt, current=True) or state
    return state, attempt


@given(BEGINNINGS, TELLABLE, st.randoms())
def test_any_order_of_receipts_any_number_of_times_ends_the_same(beginning, told, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = [*told, *told[:3]]
    random.shuffle(shuffled)
    assert after(beginning, told) == after(beginning, shuffled)


@given(BEGINNINGS, TELLABLE)
def test_receipts_never_move_a_message_back(beginning, told) -> None:  # type: ignore[no-untyped-def]
    for count in range(len(told)):
        earlier, later = after(beginning, told[:count]), after(beginning, told[: count + 1])
        assert later[0] is earlier[0] or later[0] in MOVES[earlier[0]]
        assert later[1] is earlier[1] or earlier[1].value in below(later[1])


def test_what_arrived_has_arrived_whatever_else_is_told() -> None:
    for order in permutations([AttemptState.SENT, AttemptState.FAILED, AttemptState.DELIVERED]):
        assert after((State.SENT, AttemptState.ACCEPTED), list(order))[0] is State.DELIVERED


@given(st.sampled_from(list(State)), st.sampled_from(sorted(TOLD)))
def test_of_an_earlier_attempt_only_an_arrival_counts(state: State, told: AttemptState) -> None:
    moved = message_after(state, told, current=False)
    assert moved is None or moved in ARRIVED


@given(
    st.sampled_from(CHANNELS),
    st.sets(st.sampled_from(CHANNELS)),
    st.permutations(CHANNELS),
    st.integers(min_value=0, max_value=4),
)
def test_a_message_meets_each_channel_once_and_ends(
    chosen: str, available: set[str], order: list[str], length: int
) -> None:
    routes = Routes(available, tuple(order[:length]))
    failed: list[str] = []
    while (channel := routes.next_channel(chosen, failed)) is not None:
        assert channel in available
        assert channel not in failed
        failed.append(channel)
    assert failed[:1] == ([chosen] if chosen in available else failed[:1])
    positions = [routes.order.index(channel) for channel in failed if channel in routes.order]
    assert positions == sorted(positions)


@given(st.sets(st.sampled_from(CHANNELS)), st.permutations(CHANNELS), st.integers(min_value=0, max_value=4))
def test_the_choices_that_are_told_are_those_with_a_first_channel(
    available: set[str], order: list[str], length: int
) -> None:
    routes = Routes(available, tuple(order[:length]))
    told = {chosen: routes.next_channel(chosen, ()) for chosen in CHANNELS}
    assert routes.by_choice() == {chosen: first for chosen, first in told.items() if first is not None}


def test_nobody_who_chose_no_channel_is_led_to_one() -> None:
    assert Routes(frozenset(CHANNELS), CHANNELS).next_channel(None, ()) is None


@pytest.mark.parametrize(
    ("phones", "expected"),
    [
        ((), None),
        (("+62542123456",), None),
        (("+62542123456", "+6281200000002"), "+6281200000002"),
        (("081200000001", "+60123456789"), "+60123456789"),
        (("+6281200000001", "+6281200000002"), "+6281200000001"),
    ],
)
def test_the_first_number_that_takes_messages_is_used(phones: tuple[str, ...], expected: str | None) -> None:
    assert reachable(phones) == expected


def test_officers_are_told_at_their_work_address_only() -> None:
    assert decide_for_officer(Routes(frozenset({"sms", "whatsapp"}))).channel is None
    assert decide_for_officer(Routes(frozenset({"sms", "console"}))).channel == "console"


@given(
    st.text(max_size=300), st.text(max_size=3_000), st.none() | st.just("https://umkm.example/n/unsubscribe/abc.def")
)
def test_a_text_fits_three_sms_and_a_link_is_whole(subject: str, text: str, link: str | None) -> None:
    made = sms_text(subject, text, link)
    assert "\n" not in made
    assert len(made.encode("utf-16-be")) // 2 <= SMS_PLACES
    if not made.isascii():
        plain = made.translate({ord(sign): "x" for sign in "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€"})
        assert plain.isascii() or len(made.encode("utf-16-be")) // 2 <= SMS_PLACES_UNICODE
    assert link is None or made.endswith(link)


@given(st.text(max_size=3_000))
def test_a_template_parameter_has_no_line_break_no_tab_and_no_run_of_blanks(text: str) -> None:
    made = whatsapp_text(text)
    assert len(made) <= WHATSAPP_TEXT
    assert not {"\n", "\t", "\r"} & set(made)
    assert "  " not in made


def test_the_signature_of_a_mail_does_not_go_to_a_telephone() -> None:
    assert (
        sms_text("Kursi", "Yth. Siti,\n\nAnda diterima.\n\n--\nDinas Koperasi\n") == "Kursi. Yth. Siti, Anda diterima."
    )


def test_signs_that_cost_places_are_written_plainly() -> None:
    assert sms_text("“Kelas”", "mikro – kecil…") == '"Kelas". mikro - kecil...'


NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("999999999999", 86_400),
        ("Wed, 25 Nov 2026 04:02:00 GMT", 120),
        ("Wed, 25 Nov 2026 12:02:00 +0800", 120),
        ("Wed, 25 Nov 2026 03:00:00 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("²", None),
    ],
)
def test_the_pause_that_a_provider_asks_for_is_read_as_seconds_or_as_a_date(
    text: str | None, seconds: int | None
) -> None:
    assert pause_of(text, NOW) == (None if seconds is None else timedelta(seconds=seconds))


SECRETS = ReceiptSecrets("1", [b"baru", b"lama"], b"tanya", [b"satu", b"dua"])
KNOWN = "sha256=" + "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
"""HMAC-SHA-256 of a known text under the key ``key``, as Wikipedia's article on HMAC gives it."""


def test_a_signature_is_of_the_body_to_the_byte() -> None:
    text = b"The quick brown fox jumps over the lazy dog"
    known = ReceiptSecrets("1", [b"other", b"key"], b"x")
    assert known.signed_by_meta(text, KNOWN)
    assert not known.signed_by_meta(text + b".", KNOWN)
    for wrong in (None, "", KNOWN[:-1], KNOWN[7:], "sha1=" + KNOWN[7:], "é" * 71):
        assert not known.signed_by_meta(text, wrong)
    assert not ReceiptSecrets().signed_by_meta(text, KNOWN)


@pytest.mark.parametrize(
    ("shown", "right"), [("Bearer satu", True), ("Bearer dua", True), ("satu", False), (None, False)]
)
def test_the_gateway_shows_one_of_its_secrets(shown: str | None, right: bool) -> None:
    assert SECRETS.shown_by_gateway(shown) is right


def test_a_providers_id_cannot_be_read_from_what_is_kept_of_it() -> None:
    key = key_of("whatsapp", "wamid.HBgNNjI4MTIwMDAwMDAwMRUCABEYEjk=")
    assert len(key) == 32
    assert int(key, 16)
    assert key != key_of("sms", "wamid.HBgNNjI4MTIwMDAwMDAwMRUCABEYEjk=")


def callback(*statuses: str, number: str = "1") -> bytes:
    """Return a callback of Meta with these statuses, as JSON texts."""
    value = f'{{"metadata":{{"phone_number_id":"{number}"}},"statuses":[{",".join(statuses)}]}}'
    return f'{{"entry":[{{"id":"9","changes":[{{"field":"messages","value":{value}}}]}}]}}'.encode()


def test_a_callback_is_read_as_far_as_it_can_be() -> None:
    reference = uuid4()
    good = f'{{"id":"wamid.x","status":"failed","timestamp":"1694492482","errors":[{{"code":131026,"title":"x"}}],"biz_opaque_callback_data":"{reference}"}}'
    told = read_whatsapp(callback(good, "17", '{"id":"wamid.y","status":"played","timestamp":"1"}'), "1")
    [receipt] = told.receipts
    assert told.ignored == 2
    assert (receipt.state, receipt.reason, receipt.reference) == (AttemptState.FAILED, "whatsapp_131026", reference)
    assert receipt.told_at == datetime(2023, 9, 12, 4, 21, 22, tzinfo=UTC)
    assert read_whatsapp(callback(good, number="2"), "1") == type(told)([], 1)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"entry":1}', b"\xff", b'{"entry":[{"changes":[{"field":"messages"}]}]}']
)
def test_what_has_not_the_form_of_its_provider_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_whatsapp(body, "1")
    with pytest.raises(UnreadableError):
        read_sms(body)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "2026-11-29T09:00:00"])
def test_a_report_of_a_time_that_no_database_keeps_is_passed_over(at: str) -> None:
    reports = [{"id": "a1", "status": "delivered", "at": time} for time in ("2026-11-29T09:00:00+08:00", at)]
    told = read_sms(json.dumps({"reports": reports}).encode())
    assert (len(told.receipts), told.ignored) == (1, 1)


@given(st.binary(max_size=200))
@pytest.mark.security(line="S20")
def test_no_body_breaks_the_reading(body: bytes) -> None:
    for read in (read_sms, lambda text: read_whatsapp(text, "1")):
        try:
            read(body)
        except UnreadableError:
            continue
