"""The API of a test: its settings, and callers of every role."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.notifications.workshop import PUBLIC_URL, UNSUBSCRIBE_KEY

ISSUER, AUDIENCE = "https://masuk.umkm.example", "naikkelas"
Token = Callable[..., dict[str, str]]
"""Returns the headers of a caller: a role, and what else is wanted."""


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    return {
        "DATABASE_DSN": "postgresql://notifications@127.0.0.1/notifications",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "KAFKA_USERNAME": "notifications",
        "KAFKA_PASSWORD": "x",
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "JWKS": str(tmp_path / "jwks.json"),
        "HTTP_PORT": "0",
        "REGISTRY_URL": "http://127.0.0.1:1",
        "SERVICE_TOKEN_FILE": str(tmp_path / "token"),
        "PUBLIC_URL": PUBLIC_URL,
        "UNSUBSCRIBE_KEY": UNSUBSCRIBE_KEY,
        **changes,
    }
