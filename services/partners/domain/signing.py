"""Signatures as Standard Webhooks 1.0 has them: HMAC-SHA-256 over id, time and body, one for each secret that is valid. Pure."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"


def write_secret(secret: bytes) -> str:
    """Return a secret as an agency is shown it, and as the libraries take it."""
    return PREFIX + b64encode(secret).decode()


def signed_headers(secrets: Sequence[bytes], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a message. ``now`` is aware: seconds since 1970 are the same in every zone."""
    stamp = str(int(now.timestamp()))
    content = f"{message_id}.{stamp}.".encode() + body
    signatures = [f"v1,{b64encode(hmac.digest(secret, content, 'sha256')).decode()}" for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}
