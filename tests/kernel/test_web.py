"""The web layer: what every answer carries, what a request may bring, and how the server stops."""

import asyncio
import hashlib
import json
import re
import socket
from typing import Annotated, Any

import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, File, Request, UploadFile
from pydantic import ValidationError
from structlog.testing import capture_logs

from shared.auth import public
from shared.health import Health
from shared.web.app import RequestModel, cause_of, create_http_app
from shared.web.bodies import check_json
from shared.web.docs import asset
from shared.web.edge import Limits
from shared.web.server import PortTakenError, run_http
from tests.kernel.web_client import LocalSettings, all_of, client_of, parsed, raw_request, served

MIB = 1024 * 1024
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


class Form(RequestModel):
    name: str


class Gate:
    """Holds a request until the test lets it go."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go = asyncio.Event()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def app(gate: Gate) -> FastAPI:
    router = APIRouter(dependencies=[Depends(public())])

    @router.post("/echo")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @router.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    @router.post("/form")
    async def form(form: Form) -> str:
        return form.name

    @router.post("/imports")
    async def imports(file: Annotated[UploadFile, File()]) -> str:
        digest = hashlib.sha256()
        while chunk := await file.read(MIB):
            digest.update(chunk)
        return digest.hexdigest()

    @router.get("/cause")
    async def cause(request: Request) -> dict[str, Any]:
        found = cause_of(request)
        bound = structlog.contextvars.get_contextvars()
        return {
            "correlation": found.correlation_id,
            "traceparent": found.traceparent,
            "actor": found.actor,
            "origin": found.origin,
            "bound": bound["request_id"],
        }

    @router.get("/held/{item}")
    async def held(item: str) -> str:
        gate.entered.set()
        await gate.go.wait()
        return "selesai"

    @router.get("/fail")
    async def fail() -> None:
        raise RuntimeError("a bug")

    health = Health("registry", timeout=0.2)

    async def fine() -> str | None:
        return None

    health.add("process", fine)
    limits = Limits(uploads={"/imports": 3 * MIB}, seconds=0.5)
    return create_http_app("Uji & coba", "registry", health=health, verifier=None, routers=[router], limits=limits)


@pytest.mark.parametrize("path", ["/cause", "/tiada", "/fail", "/docs", "/health/live", "/echo"])
@pytest.mark.security(line="S19", item="API8")
async def test_every_answer_carries_the_security_headers_and_an_id(path: str, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


async def test_a_slash_too_many_leads_nowhere(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/cause/")
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


async def test_ids_of_the_caller_are_kept_and_go_into_the_cause(app: FastAPI) -> None:
    headers = {"X-Request-ID": "req-7", "X-Correlation-ID": "kor.7", "traceparent": TRACEPARENT}
    async with client_of(app) as client:
        answer = await client.get("/cause", headers=headers)
    assert answer.headers["x-request-id"] == "req-7"
    assert answer.json() == {
        "correlation": "kor.7",
        "traceparent": TRACEPARENT,
        "actor": "anonymous",
        "origin": "command",
        "bound": "req-7",
    }


@pytest.mark.parametrize(
    "bad", ["6471029901900001", "siti@example.test", "a b", "x" * 101, "é", "-", "", "a\x7f", "081200001234"]
)
async def test_ids_that_are_malformed_or_personal_are_replaced(bad: str, app: FastAPI) -> None:
    raw = bad.encode()
    async with client_of(app) as client:
        answer = await client.get("/cause", headers=[(b"X-Request-ID", raw), (b"X-Correlation-ID", raw)])
    assert answer.json()["bound"] != bad
    assert answer.json()["correlation"] == answer.headers["x-request-id"] == answer.json()["bound"]


@pytest.mark.parametrize("bad", ["", "00-abc", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", TRACEPARENT.upper()])
async def test_malformed_traceparent_is_dropped(bad: str, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/cause", headers={"traceparent": bad})
    assert answer.json()["traceparent"] is None


async def test_access_log_names_the_route_and_never_the_query(app: FastAPI, gate: Gate) -> None:
    gate.go.set()
    with capture_logs() as logs:
        async with client_of(app) as client:
            await client.get("/held/rahasia?nama=Siti")
            await client.get("/health/live")
            await client.get("/tiada")
    lines = [line for line in logs if line["event"] == "request"]
    assert [(line["path"], line["status"], line["log_level"]) for line in lines] == [
        ("/held/{item}", 200, "info"),
        ("/health/live", 200, "debug"),
        ("/tiada", 404, "info"),
    ]
    assert "Siti" not in str(lines)
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.security(line="S8")
@pytest.mark.security(line="S19", item="API4")
async def test_body_over_a_mebibyte_is_refused_whether_announced_or_in_chunks(app: FastAPI) -> None:
    head = b"POST /length HTTP/1.1\r\nHost: uji\r\nContent-Type: application/json\r\n"
    async with served(app) as server:
        announced = await raw_request(server.port, head + b"Content-Length: 2097152\r\n\r\n")
        chunk = b"10000\r\n" + b"1" * 65_536 + b"\r\n"
        chunked = await raw_request(
            server.port, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 32, b"0\r\n\r\n"
        )
        fits = await raw_request(server.port, head + b"Content-Length: 1048576\r\n\r\n" + b"1" * MIB)
    for status, headers, body in (announced, chunked):
        assert status == 413
        assert headers["content-type"] == "application/problem+json"
        assert headers["connection"] == "close"
        assert parsed(body)["limit_bytes"] == MIB
        assert parsed(body)["detail"] == "Isi permintaan melebihi batas 1 MiB."
    assert fits[0] == 200


@pytest.mark.security(line="S8")
async def test_a_body_without_a_content_type_is_bounded_too(app: FastAPI) -> None:
    async with client_of(app) as client:
        for kind in ("", "text/plain", "application/octet-stream", "multipart/form-data; boundary=x"):
            headers = {"Content-Type": kind} if kind else {}
            answer = await client.post("/length", content=b"x" * (MIB + 1), headers=headers)
            assert answer.status_code == 413, kind


@pytest.mark.security(line="S8")
async def test_upload_has_a_limit_of_its_own(app: FastAPI) -> None:
    fits, over = b"a" * (2 * MIB), b"a" * (3 * MIB)

    async def pieces(data: bytes) -> Any:
        for start in range(0, len(data), 65_536):
            yield data[start : start + 65_536]

    async with client_of(app) as client:
        answer = await client.post("/imports", files={"file": ("a.csv", fits)})
        assert answer.json() == hashlib.sha256(fits).hexdigest()
        announced = await client.post("/imports", files={"file": ("a.csv", over)})
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + over + b"\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        chunked = await client.post("/imports", content=pieces(form), headers=headers)
    for answer in (announced, chunked):
        assert answer.status_code == 413
        assert answer.json()["limit_bytes"] == 3 * MIB


@pytest.mark.security(line="S8")
async def test_slow_body_ends_in_408(app: FastAPI) -> None:
    async with served(app) as server:
        status, headers, body = await raw_request(
            server.port, b"POST /echo HTTP/1.1\r\nHost: uji\r\nContent-Length: 10\r\n\r\n{"
        )
    assert (status, headers["connection"]) == (408, "close")
    assert parsed(body)["title"] == "Permintaan terlalu lama"


async def dripped(port: int, head: bytes, pieces: list[bytes]) -> bytes:
    """Send a head, and then a piece now and then, until the server has closed the connection; return what it answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    answering = asyncio.create_task(all_of(reader))
    try:
        async with asyncio.timeout(60):
            while not answering.done():
                await asyncio.wait([answering], timeout=0.1)
                writer.write(pieces.pop(0) if len(pieces) > 1 else pieces[0])
        return await answering
    finally:
        answering.cancel()
        writer.close()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/echo", "/imports"])
@pytest.mark.security(line="S8")
@pytest.mark.security(line="S19", item="API4")
async def test_a_byte_now_and_then_holds_no_connection_whatever_it_calls_itself(
    app: FastAPI, path: str, kind: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: uji\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n--x\r\n"
    async with served(app) as server:
        answer = await dripped(server.port, head.encode(), [b"a"])
    unread = (path, kind) == ("/imports", "text/plain")  # no form at all: refused at once
    assert answer.startswith(b"HTTP/1.1 422 " if unread else b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in answer


async def test_an_upload_that_comes_steadily_may_take_its_time(app: FastAPI) -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        + b"a" * 90_000
        + b"\r\n--x--\r\n"
    )
    head = (
        "POST /imports HTTP/1.1\r\nHost: uji\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(form)}\r\n\r\n"
    )
    pieces = [form[start : start + 10_000] for start in range(0, len(form), 10_000)]
    async with served(app) as server:  # longer than a body of JSON may
        answer = await dripped(server.port, head.encode() + pieces[0], [*pieces[1:], b""])
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_client_that_leaves_in_the_middle_harms_nobody(app: FastAPI) -> None:
    async with served(app) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /echo HTTP/1.1\r\nHost: uji\r\nContent-Length: 10\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        status, _, _ = await raw_request(server.port, b"GET /cause HTTP/1.1\r\nHost: uji\r\n\r\n")
    assert status == 200


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50 + "1" + "}" * 50, "[" * 33 + "]" * 33])
@pytest.mark.security(line="S8")
async def test_deep_json_is_refused_before_it_is_parsed(body: str, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.post("/echo", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["allowed_depth"] == 32


def test_brackets_inside_texts_and_side_by_side_are_no_depth() -> None:
    check_json(json.dumps({"a": "[" * 500, "b": '"{' * 500, "c": [[]] * 500, "d": "\\" * 99}).encode(), 32)


@pytest.mark.parametrize(("text", "refused"), [('"a\\u0000b"', True), ('"\\\\u0000"', False), ('"\\\\\\u0000"', True)])
async def test_nul_in_a_text_is_refused(text: str, refused: bool, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.post("/echo", content=f'{{"a": {text}}}', headers={"Content-Type": "application/json"})
        assert answer.status_code == (422 if refused else 200)
        assert (await client.get("/cause?x=%00")).status_code == 400
        assert (await client.get("/held/%00")).status_code == 400


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b"9" * 30])
async def test_odd_content_length_is_refused(length: bytes, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.post("/echo", content=b"{}", headers=[(b"content-length", length)])
    assert answer.status_code in (400, 413)


async def test_request_form_refuses_unknown_fields_and_keeps_texts_as_typed(app: FastAPI) -> None:
    async with client_of(app) as client:
        assert (await client.post("/form", json={"name": "  SITI "})).json() == "  SITI "
        assert (await client.post("/form", json={"name": "SITI", "lain": 1})).status_code == 422
    with pytest.raises(ValidationError):
        Form(name="a").name = "b"


async def test_documentation_page_needs_nothing_from_elsewhere(app: FastAPI) -> None:
    async with client_of(app) as client:
        page = await client.get("/docs")
        assert "Uji &amp; coba" in page.text
        places = re.findall(r'(?:src|href|data-document)="([^"]+)"', page.text)
        assert len(places) == 5
        for place in places:
            answer = await client.get(f"/{place}")
            assert answer.status_code == 200, place
        assert not re.search(r"https?://|<style| style=| on\w+=|<script>", page.text)
        assert (await client.get("/docs/assets/core.py")).status_code == 404
        assert (await client.get("/docs/assets/..%2f__init__.py")).status_code == 404
    with pytest.raises(KeyError):
        asset("redoc.standalone.js")


async def test_openapi_document_tells_of_problems(app: FastAPI) -> None:
    async with client_of(app) as client:
        document = (await client.get("/openapi.json")).json()
    answers = document["paths"]["/form"]["post"]["responses"]
    assert "application/problem+json" in answers["422"]["content"]
    assert "application/problem+json" in answers["default"]["content"]


async def test_stop_finishes_requests_under_way_and_takes_no_more(app: FastAPI, gate: Gate) -> None:
    async with served(app) as server:
        held = asyncio.create_task(raw_request(server.port, b"GET /held/a HTTP/1.1\r\nHost: uji\r\n\r\n"))
        await gate.entered.wait()
        server.stop.set()
        async with asyncio.timeout(30):
            while (await app.state.health.ready()).causes.get("process") != "stopping":
                await asyncio.sleep(0.01)
            while await _connects(server.port):
                await asyncio.sleep(0.01)
        gate.go.set()
        status, _, body = await held
        await server.serving
    assert (status, parsed(body)) == (200, "selesai")


async def _connects(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_stop_is_bounded_by_the_drain_time(app: FastAPI, gate: Gate) -> None:
    async with served(app, LocalSettings(drain_seconds=1)) as server:
        held = asyncio.create_task(raw_request(server.port, b"GET /held/a HTTP/1.1\r\nHost: uji\r\n\r\n"))
        await gate.entered.wait()
        server.stop.set()
        async with asyncio.timeout(9):  # less than the ten of the default
            await server.serving
        assert isinstance((await asyncio.gather(held, return_exceptions=True))[0], BaseException | tuple)


async def test_taken_port_is_told_in_one_sentence(app: FastAPI) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Cannot listen on 127.0.0.1:{port} .*HTTP_PORT"):
            await run_http(app, LocalSettings(http_port=port), asyncio.Event())


async def test_app_that_cannot_start_ends_the_server(app: FastAPI) -> None:
    app.add_api_route("/lupa", lambda: None)
    with pytest.raises(RuntimeError, match="did not start"):
        await run_http(app, LocalSettings(), asyncio.Event())
