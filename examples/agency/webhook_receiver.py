"""Takes an agency's webhooks: checks the signature, keeps the event, and only then answers with 2xx.

    WEBHOOK_SECRET=whsec_… python webhook_receiver.py

HOST and PORT: where it listens (127.0.0.1, 8787). KEEP_IN: the file of events (webhook-python.jsonl).
In the world a proxy with a certificate stands before it: webhooks are posted by https alone.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from kept import Kept, told
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

LARGEST_BODY = 1_048_576

SECRET = os.environ.get("WEBHOOK_SECRET", "").strip()  # a pasted secret may have blanks around it
if not SECRET.startswith("whsec_"):
    sys.exit("WEBHOOK_SECRET is not set to a secret, whsec_…, as the registration of the webhook answers it")
WEBHOOK = Webhook(SECRET)
KEPT = Kept(Path(os.environ.get("KEEP_IN", "webhook-python.jsonl")))


class Receiver(BaseHTTPRequestHandler):
    """Answers one connection after another, each in a thread of its own."""

    protocol_version = "HTTP/1.1"  # connections are used again
    timeout = 30

    def do_POST(self) -> None:
        """Take one event."""
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 < size <= LARGEST_BODY:
            self.close_connection = True
            return self._answer(413 if size else 411)
        body = self.rfile.read(size)
        try:
            # Over the bytes as they came: JSON that was read and written again has another signature.
            WEBHOOK.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError) as error:
            print(f"refused: {error}", file=sys.stderr, flush=True)
            return self._answer(401)
        event = from_structured_event(HTTPMessage({"content-type": self.headers["Content-Type"]}, body))
        if KEPT.keep(event):
            print(told(event), flush=True)
        return self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing of each request: what was taken is printed."""


if __name__ == "__main__":
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8787"))
    ThreadingHTTPServer(address, Receiver).serve_forever()
