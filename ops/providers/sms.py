"""An SMS gateway that speaks JSON over HTTP, as docs/operations.md describes it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from ops.providers.faults import Fault
from ops.providers.provider import Provider, RefusedError, Taken

LONGEST_TEXT = 459
_NUMBER = re.compile(r"\+[1-9]\d{7,14}")
_ERRORS: Mapping[Fault, tuple[int, str]] = {
    Fault.LIMITED: (429, "too_many_requests"),
    Fault.LIMITED_BY_CODE: (429, "quota_reached"),
    Fault.PAIR_LIMITED: (429, "too_many_to_number"),
    Fault.BROKEN: (500, "internal"),
    Fault.REFUSED: (422, "invalid_number"),
    Fault.UNAUTHORISED: (401, "unauthorised"),
}


def gateway_error(status: int, code: str) -> RefusedError:
    """Return an error as the gateway words it."""
    return RefusedError(status, {"error": {"code": code}})


class Gateway(Provider):
    """``POST /messages``."""

    NAME = "sms"

    def __init__(self, token: str, receipt_secret: str, callback: str = "", folder: Path | None = None) -> None:
        super().__init__(callback, folder)
        self._token = token
        self._receipt_secret = receipt_secret

    @property
    def messages_url(self) -> str:
        """Where messages come in."""
        return f"{self.url}/messages"

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route that messages come by."""
        return [web.post("/messages", self.take)]

    async def read(self, request: web.Request) -> Taken:
        """Return the message. Raises ``RefusedError``."""
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            raise gateway_error(401, "unauthorised")
        try:
            body = json.loads(await request.text())
        except ValueError:
            raise gateway_error(400, "not_json") from None
        to, text = str(body.get("to", "")), str(body.get("text", ""))
        if not _NUMBER.fullmatch(to):
            raise gateway_error(422, "invalid_number")
        if not text or len(text) > LONGEST_TEXT or not body.get("from"):
            raise gateway_error(422, "invalid_text")
        return Taken(f"sms_{secrets.token_hex(12)}", to, body.get("reference"), (text,), body)

    def answer(self, taken: Taken) -> web.Response:
        """Return what the gateway says of a message that it took."""
        return web.json_response({"id": taken.id, "status": "accepted"}, status=202)

    def refusal(self, fault: Fault) -> RefusedError:
        """Return how the gateway, or the proxy before it, says this."""
        later = {"Retry-After": str(self.manner.retry_after)}
        if fault is Fault.UNAVAILABLE:
            return RefusedError(503, "<html><body>Service Unavailable</body></html>", later)
        refused = gateway_error(*_ERRORS[fault])
        if refused.status == 429:
            refused.headers.update(later)
        return refused

    def statuses(self, taken: Taken) -> Sequence[str]:
        """Return what is told of a message by itself."""
        return self.manner.tells if self.manner.reaches(taken.to) else ("undeliverable",)

    def receipt(self, taken: Taken, status: str) -> tuple[bytes, dict[str, str]]:
        """Return a report of one status, with the secret that the gateway shares with us."""
        report = {"id": taken.id, "status": status, "at": datetime.now(UTC).isoformat()}
        if self.manner.repeats_reference and taken.reference is not None:
            report["reference"] = taken.reference
        if status == "undeliverable":
            report["code"] = "absent_subscriber"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._receipt_secret}"}
        return json.dumps({"reports": [report]}).encode(), headers
