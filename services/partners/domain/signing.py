"""Signatures as Standard Webhooks 1.0 has them: HMAC-SHA-256 over id, time and body, one for each secret that is valid. Pure."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence

PREFIX = "whsec_"


def write_secret(secret: bytes) -> str:
    """Return a secret as an agency is shown it, and as the libraries take it."""
    return PREFIX + b64encode(secret).decode()


def signed_headers(secrets: Sequence[bytes], message_id: str, seconds: float, body: bytes) -> dict[str, str]:
    """Return the three headers of a message; ``seconds`` is the time since 1970, as ``datetime.timestamp`` has it."""
    stamp = str(int(seconds))
    content = f"{message_id}.{stamp}.".encode() + body
    signatures = [f"v1,{b64encode(hmac.digest(secret, content, 'sha256')).decode()}" for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}
