"""WhatsApp's Graph API as Meta documents it: template messages in, ``wamid`` out, signed callbacks.

Source: Meta, WhatsApp Business Platform, Cloud API: *Messages*, *Error codes*, *Webhooks* (status messages).
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from ops.providers.faults import Fault
from ops.providers.provider import Provider, RefusedError, Taken

LONGEST_BODY = 1_024
LONGEST_CALLBACK_DATA = 512
_LOOSE = re.compile(r"[\n\t]| {5,}")
_NUMBER = re.compile(r"\+?[1-9]\d{7,14}")


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template: its body with ``{{1}}`` and so on, in its languages."""

    body: str
    languages: frozenset[str] = frozenset({"id", "en"})

    @property
    def parameters(self) -> int:
        """How many there are."""
        return len(set(re.findall(r"\{\{(\d+)\}\}", self.body)))

    def filled(self, texts: Sequence[str]) -> str:
        """Return the body as the recipient sees it."""
        return re.sub(r"\{\{(\d+)\}\}", lambda found: texts[int(found[1]) - 1], self.body)


TEMPLATES: Mapping[str, Template] = {
    "naikkelas_pesan": Template("*{{1}}*\n\n{{2}}\n\nDinas Koperasi, UMKM dan Perindustrian Kota Balikpapan"),
    "naikkelas_pengumuman": Template("*{{1}}*\n\n{{2}}\n\nBerhenti menerima topik ini: {{3}}\n\nDKUMKMP Balikpapan"),
}
_ERRORS: Mapping[Fault, tuple[int, int, str]] = {
    Fault.LIMITED: (429, 130429, "Rate limit hit"),
    Fault.LIMITED_BY_CODE: (400, 80007, "Rate limit issues"),
    Fault.PAIR_LIMITED: (400, 131056, "(Business Account, Consumer Account) pair rate limit hit"),
    Fault.BROKEN: (500, 131000, "Something went wrong"),
    Fault.REFUSED: (400, 131026, "Message undeliverable"),
    Fault.UNAUTHORISED: (401, 190, "Access token has expired"),
}


def graph_error(status: int, code: int, title: str, details: str = "") -> RefusedError:
    """Return an error as the Graph API words it."""
    error: dict[str, Any] = {"message": f"(#{code}) {title}", "type": "OAuthException", "code": code}
    error["error_data"] = {"messaging_product": "whatsapp", "details": details or title}
    error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
    return RefusedError(status, {"error": error})


def no_such_object() -> RefusedError:
    """Return what the Graph API says of a number that is not there, or not for this token."""
    why = "Unsupported post request. Object does not exist, or cannot be loaded due to missing permissions"
    error = {"message": why, "type": "GraphMethodException", "code": 100, "error_subcode": 33}
    return RefusedError(400, {"error": error | {"fbtrace_id": "A" + secrets.token_urlsafe(16)}})


@dataclass(frozen=True, slots=True)
class Account:
    """What Meta knows of us."""

    token: str = field(repr=False)
    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    phone_number_id: str = "106540352242922"
    business_id: str = "102290129340398"
    display_number: str = "628120000100"
    version: str = "v23.0"


class GraphApi(Provider):
    """``POST /v23.0/{phone-number-id}/messages``."""

    NAME = "whatsapp"

    def __init__(self, account: Account, callback: str = "", folder: Path | None = None) -> None:
        super().__init__(callback, folder)
        self.account = account

    @property
    def base_url(self) -> str:
        """What a client is given as the address of the Graph API."""
        return f"{self.url}/{self.account.version}"

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route that messages come by."""
        return [web.post(f"/{self.account.version}/{{phone_number_id}}/messages", self.take)]

    async def read(self, request: web.Request) -> Taken:
        """Return the message, checked as Meta does. Raises ``RefusedError``."""
        if request.headers.get("Authorization") != f"Bearer {self.account.token}":
            raise graph_error(401, 190, "Invalid OAuth access token - Cannot parse access token")
        if request.match_info["phone_number_id"] != self.account.phone_number_id:
            raise no_such_object()
        try:
            body = json.loads(await request.text())
        except ValueError:
            raise graph_error(400, 100, "Invalid parameter", "The body is not JSON") from None
        number = str(body.get("to", ""))
        if body.get("messaging_product") != "whatsapp" or not _NUMBER.fullmatch(number):
            raise graph_error(400, 131009, "Parameter value is not valid")
        texts = _template_texts(body)
        reference = body.get("biz_opaque_callback_data")
        if reference is not None and len(reference) > LONGEST_CALLBACK_DATA:
            raise graph_error(400, 131009, "Parameter value is not valid", "biz_opaque_callback_data is too long")
        to = "+" + number.removeprefix("+")
        return Taken(_wamid(to), to, reference, texts, body)

    def answer(self, taken: Taken) -> web.Response:
        """Return what Meta says of a message that it took."""
        number = taken.to.removeprefix("+")
        contacts = [{"input": str(taken.request["to"]), "wa_id": number}]
        messages = [{"id": taken.id, "message_status": "accepted"}]
        return web.json_response({"messaging_product": "whatsapp", "contacts": contacts, "messages": messages})

    def refusal(self, fault: Fault) -> RefusedError:
        """Return how Meta, or the proxy before it, says this."""
        if fault is Fault.UNAVAILABLE:
            page = "<html><body>Service Unavailable</body></html>"
            return RefusedError(503, page, {"Retry-After": str(self.manner.retry_after)})
        refused = graph_error(*_ERRORS[fault])
        if fault in (Fault.LIMITED, Fault.LIMITED_BY_CODE):
            refused.headers["Retry-After"] = str(self.manner.retry_after)
        return refused

    def statuses(self, taken: Taken) -> Sequence[str]:
        """Return what is told of a message by itself."""
        return self.manner.tells if self.manner.reaches(taken.to) else ("failed",)

    def receipt(self, taken: Taken, status: str) -> tuple[bytes, dict[str, str]]:
        """Return a callback with one status, signed by the app's secret."""
        told: dict[str, Any] = {"id": taken.id, "status": status, "timestamp": str(int(time.time()))}
        told["recipient_id"] = taken.to.removeprefix("+")
        if self.manner.repeats_reference and taken.reference is not None:
            told["biz_opaque_callback_data"] = taken.reference
        if status == "failed":
            told["errors"] = [_undeliverable()]
        else:
            told["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"}
        return self.signed(self.callback_of({"statuses": [told]}))

    def callback_of(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a callback as Meta wraps it."""
        account = self.account
        metadata = {"display_phone_number": account.display_number, "phone_number_id": account.phone_number_id}
        whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        entry = {"id": account.business_id, "changes": [{"value": whole, "field": "messages"}]}
        return {"object": "whatsapp_business_account", "entry": [entry]}

    def signed(self, callback: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of a callback."""
        body = json.dumps(callback).encode()
        signature = hmac.digest(self.account.app_secret.encode(), body, "sha256").hex()
        return body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}


def _wamid(to: str) -> str:
    """Return an id as Meta makes them: in base64 the recipient's number and something random."""
    number = to.removeprefix("+").encode()
    inside = b"\x1d\x05" + bytes([len(number)]) + number + b"\x15\x02\x00\x11\x18\x12" + secrets.token_hex(9).encode()
    return f"wamid.{b64encode(inside + bytes(1)).decode()}"


def _undeliverable() -> dict[str, Any]:
    return {
        "code": 131026,
        "title": "Message undeliverable",
        "message": "Message undeliverable",
        "error_data": {"details": "Message Undeliverable."},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


def _template_texts(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parameters of a template message. Raises ``RefusedError`` as Meta words it."""
    if body.get("type") != "template":
        raise graph_error(400, 131047, "Re-engagement message", "More than 24 hours since the customer last replied")
    asked = body.get("template") or {}
    template = TEMPLATES.get(asked.get("name", ""))
    language = (asked.get("language") or {}).get("code")
    if template is None or language not in template.languages:
        raise graph_error(404, 132001, "Template name does not exist in the translation")
    parts = [part for part in asked.get("components", []) if part.get("type") == "body"]
    parameters = parts[0].get("parameters", []) if parts else []
    texts = tuple(str(parameter.get("text", "")) for parameter in parameters)
    if len(texts) != template.parameters:
        details = f"body: number of localizable_params ({len(texts)}) does not match"
        raise graph_error(400, 132000, "Number of parameters does not match the expected number of params", details)
    if any(_LOOSE.search(text) or not text for text in texts):
        details = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        raise graph_error(400, 132018, "There's an issue with the parameters in your template", details)
    if len(template.filled(texts)) > LONGEST_BODY:
        raise graph_error(400, 132005, "Translated text too long")
    return texts
