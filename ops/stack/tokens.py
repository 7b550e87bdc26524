"""Tokens of the local stack: its own signing key, the public half for the services, and a token for each role."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ops.stack.home import Home, write_private
from shared.auth import Role
from shared.auth.tokens import new_signing_key, public_jwks, sign_token

ISSUER = "http://127.0.0.1/naikkelas-local"
AUDIENCE = "naikkelas"
SERVICE_TOKEN_LIFETIME = timedelta(days=7)
"""Of tokens that services use among themselves; each start writes new ones."""


def write_public_keys(home: Home) -> Path:
    """Write the JWKS document that the services check tokens with, and return its path."""
    write_private(home.jwks, json.dumps(public_jwks(home.signing_key(new_signing_key)), indent=2))
    return home.jwks


def make_token(
    home: Home,
    roles: Sequence[Role],
    *,
    subject: str,
    kelurahan: str | None = None,
    email: str | None = None,
    agency: str | None = None,
    lifetime: timedelta = timedelta(hours=12),
    issued: float | None = None,
) -> str:
    """Return a token signed with this stack's key; ``issued`` in seconds since the epoch (default: now)."""
    return sign_token(
        home.signing_key(new_signing_key),
        issuer=ISSUER,
        audience=AUDIENCE,
        subject=subject,
        roles=roles,
        kelurahan=kelurahan,
        email=email,
        agency=agency,
        lifetime=lifetime,
        now=issued,
    )


def write_service_token(home: Home, service: str) -> Path:
    """Write the token that a service shows to others, and return the file's path."""
    path = home.run / f"{service}.token"
    write_private(path, make_token(home, [Role.LAYANAN], subject=service, lifetime=SERVICE_TOKEN_LIFETIME))
    return path
