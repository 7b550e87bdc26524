"""Logs: one JSON line each, from every library, with nothing personal in them."""

import json
import logging
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import faststream  # noqa: F401 - importing it gives its logger a handler of its own
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from shared.logs import StdlibBridge, bound
from shared.masking import mask_event, mask_text, mask_value
from tests.logged import logged

NIK = "6471029901900001"
PHONE = "081200001234"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Configured logs, and what was written so far."""
    with logged("registry", "api-1") as written:
        yield written


@pytest.mark.parametrize(
    "text",
    [
        f"NIK {NIK}",
        "nik=64.71.02.990190.0001",
        "6471 0299 0190 0001",
        "6471-0299-0190-0001",
        "6471\u00a00299\u20110190 0001",
        "'6471029901900001",
        "pemilik6471029901900001x",
        "６４７１０２９９０１９００００１",
        "6,471,029,901,900,001",
        "99964710299019000017",
        "6471029901900001.0",
        PHONE,
        "0812-0000-1234",
        "0812 0000 1234",
        "(0812) 00001234",
        "+62 812-0000-1234",
        "+6281200001234",
        "62812 0000 1234",
        "0062 812 0000 1234",
        "+62 (0) 812 0000 1234",
        "telp:081200001234;",
        "+1 415 555 0100",
        "0542-421234",
        "siti.rahma@example.test",
        "SITI+umkm@contoh.example.test,",
        "<siti@example.test>",
        "siti%40example.test",
        "Bearer abcdefghijklmnop",
        "basic YWJjZGVmZ2hpamtsbW5vcA==",
        "Authorization: bearer abc.def-ghijklmnop",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzaXRpIn0.c2lnbmF0dXJl",
        "postgresql://registry:abcdefghijklmnop@db/registry",
        "password=abcdefghijklmnop",
        '{"client_secret": "abcdefghijklmnop"}',
        "Failing row contains (7, abcdefghijklmnop, siti).",
        "Key (name)=(abcdefghijklmnop) already exists.",
        "  Input should be valid [type=x, input_value='abcdefghijklmnop', input_type=str]",
    ],
)
@pytest.mark.security(line="S23")
def test_personal_text_is_masked(text: str) -> None:
    masked = mask_text(text)
    assert "[" in masked
    assert not re.search(r"(?i)siti|abcdefghijklmnop", masked)
    assert len(re.sub(r"\D", "", masked)) < 6


@pytest.mark.parametrize(
    "text",
    [
        "0193e7a0-5b7c-7cc3-98c4-dc0c0c07398f",
        "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
        "0af7651916cd43dd8448eb211c80319c",
        "2026-11-25T04:53:01.123+08:00",
        "published 100000 of 95000 in 0.91 s",
        "127.0.0.1:9092",
        "umkm.business-5",
        "id.go.balikpapan.umkm.business.registered.v1",
        "NIB 9120301234567",
        "basic settings loaded",
    ],
)
def test_ids_times_and_counts_stay_readable(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.security(line="S23")
def test_fields_are_masked_by_name_and_at_any_depth() -> None:
    class Owner(BaseModel):
        contact: str
        key: SecretStr

    event = mask_event(
        {
            "nik": 12,
            "owner_name": "SITI",
            "password": "x",
            "kafka_password": b"x",
            "nested": [{"deep": ({"Phone": "rahasia", "note": f"hubungi {PHONE}"}, {"token": ["x"]})}],
            "number": int(NIK),
            "eaten_zero": 81200001234,
            "excel": 6471029901900001.0,
            "raw": NIK.encode(),
            "model": Owner(contact="siti@example.test", key=SecretStr("x")),
            NIK: "a key",
            "count": 95_000,
            "ms": 0.0034567890123456,
            "ok": True,
            "phone_known": False,
            "email": None,
        }
    )
    assert event["nested"] == [{"deep": [{"Phone": "[pribadi]", "note": "hubungi [telepon]"}, {"token": "[rahasia]"}]}]
    assert (event["count"], event["ms"], event["ok"], event["email"]) == (95_000, 0.0034567890123456, True, None)
    text = json.dumps(event)
    assert not re.search(r"(?i)siti|64710299|8120000|\"x\"", text)


def test_endless_nesting_is_cut() -> None:
    loop: list[Any] = [NIK]
    loop.append(loop)
    assert NIK not in json.dumps(mask_value("loop", loop))


def _digits(number: str, rng: random.Random) -> str:
    """Write a number as people do: in groups, with one kind of gap, sometimes none."""
    gap = rng.choice(["", "", "", " ", "-", ".", "\u00a0", " - "])
    size = rng.choice([2, 3, 4, 6])
    return gap.join(number[i : i + size] for i in range(0, len(number), size))


def _planted(rng: random.Random) -> tuple[str, str]:
    """Return one personal value as somebody may write it, and what must not be found of it afterwards."""
    kind = rng.randrange(4)
    if kind == 0:
        number = "".join(rng.choices("123456789", k=1) + rng.choices("0123456789", k=15))
        return _digits(number, rng), number
    if kind == 1:
        rest = "8" + "".join(rng.choices("123456789", k=rng.randint(9, 11)))
        return rng.choice(["0", "+62", "62", "+62 ", "0062"]) + _digits(rest, rng), rest
    if kind == 2:
        name = "".join(rng.choices("bcdfghjklmnpqrstvwxz", k=10))
        return f"{name}{rng.choice(['.a', '+b', '_c', ''])}@{name}.example.test", name
    secret = "".join(rng.choices("bcdfghjklmnpqrstvwxz", k=24))
    return rng.choice(["Bearer {}", "eyJ{}.eyJ{}.x", "password={}", "https://u:{}@h/p"]).format(secret, secret), secret


def _event(rng: random.Random, value: str) -> dict[str, Any]:
    text = rng.choice(
        ["{}", "nilai {} ditolak", "({})", "a={};", "{}\nbaris dua", "“{}”", "x{}" if value[0].isdigit() else "{}"]
    )
    said = text.format(value)
    place = rng.randrange(6)
    if place == 0:
        return {"event": said}
    if place == 1:
        return {"event": "e", "detail": {"rows": [{"cell": said}]}}
    if place == 2:
        return {"event": "e", said: 1}
    if place == 3:
        return {"event": "e", "error": ValueError(said)}
    if place == 4:
        return {"event": "e", "raw": said.encode()}
    return {"event": "e", "items": (said, {said})}


@pytest.mark.security(line="S23")
def test_no_leak_in_a_hundred_thousand_random_events() -> None:
    rng = random.Random(20261125)
    started = perf_counter()
    leaks = []
    for _ in range(100_000):
        value, trace = _planted(rng)
        event = _event(rng, value)
        out = str(mask_event(event))
        seen = re.sub(r"\D", "", out) if trace.isdigit() else out
        if trace in seen:
            leaks.append((event, out))
    assert leaks == []
    assert perf_counter() - started < 60


@given(st.text(max_size=60), st.from_regex(r"[1-9][0-9]{15}", fullmatch=True), st.text(max_size=60))
@pytest.mark.security(line="S23")
def test_a_nik_in_any_surroundings_is_masked(before: str, nik: str, after: str) -> None:
    assert nik not in mask_text(before + nik + after)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(), st.lists))
def test_anything_can_be_logged(value: Any) -> None:
    with logged("registry") as lines:
        structlog.get_logger("x").info("any", value=value)
    assert [line["event"] for line in lines()] == ["any"]


def test_line_says_service_instance_level_logger_and_time(lines: Callable[[], list[dict[str, Any]]]) -> None:
    with bound(correlation_id="c-1"):
        structlog.get_logger("shared.relay").info("published", rows=5)
    structlog.get_logger("shared.relay").debug("not asked for")
    (line,) = lines()
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "service": "registry",
        "instance": "api-1",
        "level": "info",
        "logger": "shared.relay",
        "event": "published",
        "rows": 5,
        "correlation_id": "c-1",
    }


@pytest.mark.parametrize("name", ["uvicorn.error", "faststream", "aiokafka.conn", "asyncio"])
@pytest.mark.security(line="S23")
def test_logs_of_libraries_come_out_the_same_way_masked(name: str, lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger(name).warning("cannot parse %s", {"nik": NIK})
    (line,) = lines()
    assert (line["logger"], line["level"]) == (name, "warning")
    assert NIK not in json.dumps(line)


def test_record_with_wrong_arguments_is_told_of(lines: Callable[[], list[dict[str, Any]]]) -> None:
    record = logging.LogRecord("faststream", logging.WARNING, __file__, 1, "two %s %s", (NIK,), None)
    StdlibBridge().handle(record)
    (line,) = lines()
    assert line["event"] == "two %s %s ('[nik]',)"


def test_what_a_library_repeats_is_told_five_times_a_second_with_how_many_were_left_out(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    now = 100.0
    bridge = StdlibBridge(lambda: now)

    def say(text: str, name: str) -> None:
        bridge.handle(logging.LogRecord("aiokafka", logging.ERROR, "x", 1, text, (name,), None))

    for number in range(1_000):
        say("no metadata from %s", f"broker {number}")
    say("something else %s", "once")
    now += 1.0
    say("no metadata from %s", "the last")
    say("no metadata from %s", "and one")
    assert [line["event"] for line in lines()] == [
        *(f"no metadata from broker {number}" for number in range(5)),
        "something else once",
        "no metadata from the last",
        "no metadata from and one",
    ]
    assert [line.get("left_out") for line in lines()] == [None] * 6 + [995, None]


@pytest.mark.security(line="S23")
def test_exception_text_is_masked(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise ValueError(f"duplicate owner {NIK}")
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("aiokafka").exception("failed")
    for line in lines():
        assert "ValueError: duplicate owner [nik]" in line["exception"]


def test_uncaught_exception_is_logged_masked_and_ends_the_process() -> None:
    code = (
        "from shared.logs import configure_logs; import threading\n"
        "configure_logs('registry')\n"
        f"t = threading.Thread(target=lambda: int('{PHONE} x')); t.start(); t.join()\n"
        f"raise RuntimeError('owner {NIK}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [json.loads(line)["level"] for line in done.stdout.splitlines()] == ["critical", "critical"]
    assert NIK not in done.stdout + done.stderr
    assert PHONE not in done.stdout + done.stderr
