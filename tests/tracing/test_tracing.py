"""Traces of one process: who is followed, what a span says, and that a receiver which is away costs nothing but spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from shared.auth import public
from shared.health import Health
from shared.masking import mask_event
from shared.metrics.looking import process_metrics
from shared.tracing import Kind, active, parent_of, read_traceparent, span_id_of, trace_id_of
from shared.tracing.holding import using
from shared.tracing.running import TraceSettings, traced
from shared.tracing.sending import Bounds, OtelTracer, make_tracer
from shared.tracing.telling import telling
from shared.web.app import cause_of, create_http_app
from tests.kernel.web_client import client_of, raw_request, served
from tests.logged import logged
from tests.metrics.reading import read
from tests.tracing.receiving import Receiver, receiving_spans

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-00"
QUICK = Bounds(waiting=64, batch=16, every_seconds=0.05, export_seconds=0.3, close_seconds=0.5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving_spans() as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Configured logs, and what was written so far."""
    with logged("uji") as written:
        yield written


def tracer_to(
    endpoint: str, sampler: str = "parentbased_always_on", argument: float = 1.0, bounds: Bounds = QUICK
) -> OtelTracer:
    """Return a tracer with little patience."""
    settings = TraceSettings(endpoint, sampler, argument, "authorization=Bearer%20rahasia,x-tenant=balikpapan")
    return make_tracer(settings, "uji", "api", "api-1", bounds)


@given(st.text() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_only_a_well_formed_line_that_asks_for_it_is_followed_and_an_import_never(text: str) -> None:
    line = read_traceparent(text)
    assert line in {None, text}
    parent = parent_of(text, "command")
    assert parent == (text if line is not None and int(text[-2:], 16) & 1 else None)
    assert parent_of(text, "import") is None
    if line is not None:
        assert f"00-{trace_id_of(line)}-{span_id_of(line)}-{line[-2:]}" == line


@pytest.mark.parametrize("bad", ["", "00-abc", f"00-{'0' * 32}-{CALLER}-01", f"{SAMPLED}\r\n", SAMPLED.upper()])
def test_a_malformed_line_is_nothing(bad: str) -> None:
    assert read_traceparent(bad) is None


@pytest.mark.parametrize(
    ("sampler", "argument", "parent", "made"),
    [
        ("parentbased_always_on", 1.0, None, True),
        ("parentbased_always_on", 1.0, UNSAMPLED, False),
        ("parentbased_always_off", 1.0, SAMPLED, True),
        ("parentbased_traceidratio", 0.0, None, False),
        ("parentbased_traceidratio", 0.0, SAMPLED, True),
        ("traceidratio", 0.0, SAMPLED, False),
        ("traceidratio", 1.0, None, True),
        ("always_off", 1.0, SAMPLED, False),
        ("always_on", 1.0, UNSAMPLED, True),
    ],
)
def test_a_sampler_decides_and_its_word_goes_on(
    receiver: Receiver, sampler: str, argument: float, parent: str | None, made: bool
) -> None:
    tracer = tracer_to(receiver.endpoint, sampler, argument)
    span = tracer.begin("kerja", Kind.SERVER, parent, {})
    span.end({"naikkelas.attempt": 1}, error="rusak")
    tracer.close()
    assert parent_of(span.traceparent, "command") == (span.traceparent if made else None)
    assert parent is None or trace_id_of(span.traceparent) == TRACE
    assert tracer.figures() == {"exported": int(made), "lost": 0}
    assert [(one.service, one.name, one.kind, one.span_id, one.parent) for one in receiver.spans] == [
        ("uji-api", "kerja", "server", span_id_of(span.traceparent), CALLER if parent else "")
    ] * made
    for one in receiver.spans:
        assert (one.attributes, one.failed) == ({"naikkelas.attempt": 1, "error.type": "rusak"}, True)
    for headers in receiver.headers:
        assert (headers["authorization"], headers["x-tenant"]) == ("Bearer rahasia", "balikpapan")
        assert headers["content-type"] == "application/x-protobuf"


def end_many(tracer: OtelTracer, spans: int) -> float:
    """Begin and end so many spans; return the longest that one of them took, seconds."""
    longest = 0.0
    for _ in range(spans):
        began = monotonic()
        tracer.begin("kerja", Kind.CLIENT, None, {}).end()
        longest = max(longest, monotonic() - began)
    return longest


@pytest.mark.parametrize("how", ["nobody listens", "never answers"])
def test_a_receiver_that_is_away_loses_spans_and_holds_nobody_up(receiver: Receiver, how: str) -> None:
    receiver.open.clear()
    endpoint = receiver.endpoint if how == "never answers" else "http://127.0.0.1:1"
    tracer = tracer_to(endpoint, bounds=replace(QUICK, export_seconds=60.0))
    began = monotonic()
    longest = end_many(tracer, 500)
    tracer.close()
    assert longest < 5.0
    assert monotonic() - began < 10.0
    assert tracer.figures() == {"exported": 0, "lost": 500}


async def test_a_receiver_that_refuses_is_told_of_once_and_spans_go_again_when_it_takes_them(
    receiver: Receiver, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    receiver.status = 400
    tracer = tracer_to(receiver.endpoint)
    with using(tracer):
        end_many(tracer, 40)
        receiver.until(lambda _: tracer.figures()["lost"] == 40)
        receiver.status = 200
        end_many(tracer, 3)
        # The receiver has them before its answer is counted here.
        receiver.until(lambda spans: len(spans) == 3 and tracer.figures()["exported"] == 3)
        receiver.until(lambda _: len(lines()) == 2)
        figures = await read(process_metrics())
    assert figures["naikkelas_trace_spans_total", "lost"] == 40
    assert figures["naikkelas_trace_spans_total", "exported"] == 3
    assert [line["event"] for line in lines()] == ["spans_are_lost", "spans_go_again"]
    assert active() is None
    assert not [key for key in await read(process_metrics()) if key[0] == "naikkelas_trace_spans_total"]


def test_without_a_receiver_nothing_is_told() -> None:
    with traced(None, "uji", "api", "api-1"), telling(SAMPLED, "kerja", Kind.CLIENT, dict) as told:
        assert active() is None
        assert told.traceparent is None


def make_app() -> FastAPI:
    """Return an app with a route that has an id in its path, and tells what its facts would carry."""
    router = APIRouter(dependencies=[Depends(public())])

    @router.get("/owners/{owner_id}")
    async def owner(request: Request, owner_id: str) -> dict[str, str | None]:
        if owner_id == "rusak":
            raise RuntimeError
        structlog.get_logger("uji").info("dibaca")
        return {"traceparent": cause_of(request).traceparent}

    return create_http_app("Uji", "registry", health=Health("registry"), verifier=None, routers=[router])


async def test_a_request_is_a_span_by_the_template_of_its_route_and_its_facts_carry_it(
    receiver: Receiver, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with using(tracer_to(receiver.endpoint)):
        async with client_of(make_app()) as client:
            told = await client.get("/owners/6471010101019900?nama=Siti", headers={"traceparent": SAMPLED})
            await client.get("/owners/rusak", headers={"X-Correlation-ID": "kor-7"})
            await client.request("TERBANG", "/tiada", headers={"traceparent": UNSAMPLED})
            await client.get("/health/ready")
            await client.get("/metrics")
    carried = told.json()["traceparent"]
    first, second = receiver.spans
    assert (first.name, first.kind, first.trace_id, first.parent) == ("GET /owners/{owner_id}", "server", TRACE, CALLER)
    assert carried == f"00-{TRACE}-{first.span_id}-01"
    assert first.attributes["http.response.status_code"] == 200
    assert not first.failed
    assert (second.attributes["error.type"], second.failed, second.parent) == ("500", True, "")
    assert second.attributes["naikkelas.correlation_id"] == "kor-7"
    assert not [word for word in (b"6471010101019900", b"Siti", b"rusak") if any(word in b for b in receiver.bodies)]
    ids = [(line.get("trace_id"), line.get("span_id")) for line in lines() if line["event"] in {"dibaca", "request"}]
    assert ids[:3] == [(TRACE, first.span_id)] * 2 + [(second.trace_id, second.span_id)]
    assert ids[3][0] == TRACE


def test_the_ids_of_a_span_stay_whole_in_the_log_and_a_number_in_their_place_does_not() -> None:
    ids = {"trace_id": "0542123456789abcdef0812345678900", "span_id": "a054212345678900"}
    assert mask_event(ids) == ids
    assert mask_event({"span_id": "6471010101019900"}) == {"span_id": "[nik]"}


async def test_the_frameworks_own_telemetry_stays_off_whatever_the_environment_says(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    async with served(make_app()) as server:
        await raw_request(
            server.port, b"GET /owners/6471010101019900 HTTP/1.1\r\nHost: uji\r\nConnection: close\r\n\r\n"
        )
    assert receiver.asked == []
