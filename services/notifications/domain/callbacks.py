"""Who tells us receipts: Meta signs its callbacks, the SMS gateway shows a secret. Pure: the secrets come from settings."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

SCHEME = "sha256="
BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class ReceiptSecrets:
    """What receipts are known by; nothing given, nothing accepted."""

    whatsapp_number: str | None = None
    """Meta's id of our number: an account may have others, whose receipts are not ours."""
    whatsapp_signing: Sequence[bytes] = field(default=(), repr=False)
    whatsapp_verify: bytes | None = field(default=None, repr=False)
    sms: Sequence[bytes] = field(default=(), repr=False)

    @property
    def takes_whatsapp(self) -> bool:
        """Whether receipts of WhatsApp can be known."""
        return bool(self.whatsapp_signing and self.whatsapp_verify)

    @property
    def takes_sms(self) -> bool:
        """Whether reports of an SMS gateway can be known."""
        return bool(self.sms)

    def signed_by_meta(self, body: bytes, signature: str | None) -> bool:
        """Tell whether ``X-Hub-Signature-256`` is of this body, to the byte: HMAC-SHA-256 under the app's secret."""
        given = (signature or "").encode("utf-8", "replace")
        right = [_same(f"{SCHEME}{hmac.digest(key, body, 'sha256').hex()}", given) for key in self.whatsapp_signing]
        return any(right)

    def verified_by_meta(self, token: str) -> bool:
        """Tell whether this is the token that was entered at Meta together with our address."""
        return self.whatsapp_verify is not None and hmac.compare_digest(
            self.whatsapp_verify, token.encode("utf-8", "replace")
        )

    def shown_by_gateway(self, authorization: str | None) -> bool:
        """Tell whether ``Authorization`` shows the secret that the gateway shares with us."""
        given = (authorization or "").encode("utf-8", "replace")
        right = [hmac.compare_digest(BEARER.encode() + secret, given) for secret in self.sms]
        return any(right)


def _same(right: str, given: bytes) -> bool:
    return hmac.compare_digest(right.encode(), given)
