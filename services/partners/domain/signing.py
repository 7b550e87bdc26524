"""Signatures as Standard Webhooks 1.0 has them: HMAC-SHA-256 over id, time and body, one for each secret that is valid. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

PREFIX = "whsec_"


def write_secret(secret: bytes) -> str:
    """Return a secret as an agency is shown it, and as the libraries take it."""
    return PREFIX + b64encode(secret).decode()


class Signer:
    """Signs with one secret. What HMAC makes of a key is made once: it is half of what a signature costs."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = HMAC(secret, SHA256())

    def sign(self, content: bytes) -> str:
        """Return one signature, with its version."""
        signing = self._keyed.copy()
        signing.update(content)
        return f"v1,{b64encode(signing.finalize()).decode()}"


def signed_headers(signers: Sequence[Signer], message_id: str, seconds: float, body: bytes) -> dict[str, str]:
    """Return the three headers of a message; ``seconds`` is the time since 1970, as ``datetime.timestamp`` has it."""
    stamp = str(int(seconds))
    content = f"{message_id}.{stamp}.".encode() + body
    signatures = " ".join([signer.sign(content) for signer in signers])
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signatures}
