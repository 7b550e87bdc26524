"""A registry of Avro schemas with the two calls that the event bus of Open edX makes of it: register, and read by id.

Confluent's own is not in the public registry of Java packages. It stands beside the way of an event: each client asks once.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from told import TOLD

schemas: list[str] = []


class Registry(BaseHTTPRequestHandler):
    """Answers in the words of Confluent's HTTP interface."""

    def do_POST(self) -> None:
        """``POST /subjects/SUBJECT/versions``: the id of a schema, the same for the same text."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if sent["schema"] not in schemas:
            schemas.append(sent["schema"])
        self._answer({"id": schemas.index(sent["schema"]) + 1, "version": 1, "schema": sent["schema"]})

    def do_GET(self) -> None:
        """``GET /schemas/ids/ID``: the schema."""
        number = self.path.partition("?")[0].rpartition("/")[2]
        if self.path.startswith("/schemas/ids/") and number.isdigit() and 0 < int(number) <= len(schemas):
            self._answer({"schema": schemas[int(number) - 1]})
        else:
            self._answer({"error_code": 40403, "message": "Schema not found"}, 404)

    def _answer(self, told: dict[str, object], status: int = 200) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", TOLD["port"]), Registry).serve_forever()
