"""An agency of the stack's tests: its agreement with names, its user on Kafka, its endpoint, its program."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx2

from ops.stack import Stack
from shared.auth import Role
from tests.partners.bureau import AGENCY, NAMES
from tests.partners.test_end_to_end import agree, client_of


class Inbox:
    """What came to an endpoint: the bodies, in order."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def holds(self, word: str) -> bool:
        """Tell whether a word stands in anything that came."""
        return any(word.encode() in body for body in self.bodies)

    def events(self, type_name: str) -> list[dict[str, Any]]:
        """Return the events of a type."""
        found = [json.loads(body) for body in self.bodies]
        return [event for event in found if event["type"] == type_name]


@contextmanager
def endpoint() -> Iterator[tuple[str, Inbox]]:
    """Run an endpoint in a thread of its own; give its address and what comes."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            inbox.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/masuk", inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def post(client: httpx2.Client, path: str, body: Any) -> Any:
    """Give a command, and return what is answered."""
    return client.post(path, json=body, headers={"Idempotency-Key": uuid4().hex}).raise_for_status().json()


@contextmanager
def agency_with_names(stack: Stack) -> Iterator[tuple[httpx2.Client, Inbox]]:
    """Give an agency that is granted names by all three ways: its program, and what its endpoint takes.

    Its topic must be there (``naikkelas agency create-user``).
    """
    agree(stack, NAMES, ways=["feed", "webhook", "kafka"])
    with endpoint() as (url, inbox), client_of(stack, Role.INSTANSI, "program", agency=AGENCY) as program:
        post(program, "/webhooks", {"url": url, "start": "awal"})
        yield program, inbox
