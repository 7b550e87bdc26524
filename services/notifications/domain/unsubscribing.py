"""Signed links to stop one topic with one click (RFC 8058). Pure: the keys come from settings.

A link holds the owner's id and the topic, and a code that only we can make. It does not expire, because a mail may be
opened years later; whoever holds it can do nothing but stop that topic for that owner, or take it up again.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifications.commands import Topic

PATH = "/unsubscribe"
CODE_BYTES = 16
ONE_CLICK = "List-Unsubscribe=One-Click"


class BadLinkError(ValueError):
    """A link that we did not make."""


def _code(key: bytes, owner: str, topic: str) -> str:
    digest = hmac.digest(key, f"unsubscribe|{owner}|{topic}".encode("utf-8", "replace"), "sha256")
    return urlsafe_b64encode(digest[:CODE_BYTES]).decode("ascii").rstrip("=")


@dataclass(frozen=True, slots=True)
class UnsubscribeLinks:
    """Makes and reads links below ``base_url``. The first key signs; all of them are accepted, so that one can be retired."""

    base_url: str
    keys: Sequence[bytes]

    def url(self, owner_id: UUID, topic: Topic) -> str:
        """Return the link by which this owner stops this topic."""
        return f"{self.base_url.rstrip('/')}{PATH}/{self.token(owner_id, topic)}"

    def token(self, owner_id: UUID, topic: Topic) -> str:
        """Return the last part of the link."""
        return f"{owner_id.hex}.{topic}.{_code(self.keys[0], owner_id.hex, topic)}"

    def read(self, token: str) -> tuple[UUID, Topic]:
        """Return owner and topic of a link. Raises ``BadLinkError``."""
        owner, _, rest = token.partition(".")
        topic, _, code = rest.partition(".")
        # As bytes: comparing texts would refuse other signs than ASCII with another error.
        given = code.encode("utf-8", "replace")
        right = [hmac.compare_digest(_code(key, owner, topic).encode(), given) for key in self.keys]
        if not any(right):
            raise BadLinkError
        return UUID(hex=owner), Topic(topic)
