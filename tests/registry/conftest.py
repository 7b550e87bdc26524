"""The registry's API on a fresh database, with tokens of any role."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.registry.app import create_app
from services.registry.settings import RegistrySettings
from shared.auth import Role, new_signing_key, public_jwks, sign_token
from shared.database import Pool, create_pool
from tests.stack.servers import Database

ISSUER, AUDIENCE = "https://uji.example", "naikkelas"
KEK = base64.b64encode(bytes(range(32))).decode()
MANGGAR, PRAPATAN = "64.71.01.1001", "64.71.06.1001"


@dataclass
class Caller:
    """One caller with a token."""

    client: httpx2.AsyncClient

    async def get(self, path: str) -> httpx2.Response:
        """Read."""
        return await self.client.get(path)

    async def post(
        self, path: str, body: Any = None, version: int | None = None, key: str | None = None
    ) -> httpx2.Response:
        """Give a command under a key of its own, unless one is given."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self.client.post(path, json=body, headers=headers)

    async def put(self, path: str, body: Any, version: int) -> httpx2.Response:
        """Replace."""
        return await self.client.put(path, json=body, headers={"If-Match": f'"{version}"'})


@dataclass
class Registry:
    """The app, its database and its signing key."""

    app: Any
    pool: Pool
    key: Any

    def caller(self, *roles: Role, subject: str = "petugas-a", kelurahan: str | None = None) -> Caller:
        """Return a caller with these roles."""
        token = sign_token(
            self.key, issuer=ISSUER, audience=AUDIENCE, subject=subject, roles=list(roles), kelurahan=kelurahan
        )
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {token}"}
        return Caller(httpx2.AsyncClient(transport=transport, base_url="http://uji", headers=headers))

    async def facts(self) -> list[tuple[str, int]]:
        """Return name and sequence of every fact, in order."""
        rows = await self.pool.fetch("SELECT type, sequence FROM outbox ORDER BY id")
        return [
            (row["type"].removeprefix("id.go.balikpapan.umkm.").removesuffix(".v1"), row["sequence"]) for row in rows
        ]


@pytest.fixture
async def registry(registry_db: Database, tmp_path: Path) -> AsyncIterator[Registry]:
    """The registry on a fresh database."""
    key = new_signing_key()
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(public_jwks(key)))
    settings = RegistrySettings(
        database_dsn=registry_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="registry",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=str(jwks),
        http_port=0,
        key_encryption_key=KEK,
        upload_dir=tmp_path,
    )
    async with await create_pool(registry_db.dsn, max_size=12) as pool:
        yield Registry(create_app(settings, pool), pool, key)


@pytest.fixture
def clerk(registry: Registry) -> Caller:
    """An officer of the city who registers."""
    return registry.caller(Role.PETUGAS_DINAS, subject="petugas-a")


@pytest.fixture
def checker(registry: Registry) -> Caller:
    """Another officer of the city, who verifies."""
    return registry.caller(Role.PETUGAS_DINAS, subject="petugas-b")


@pytest.fixture
async def owner(clerk: Caller) -> str:
    """A registered owner."""
    body = {"name": "Siti Aminah", "nik": "6471014107909901", "phones": ["081200000001"], "kelurahan": MANGGAR}
    return str((await clerk.post("/owners", body)).raise_for_status().json()["id"])


@pytest.fixture
async def business(clerk: Caller, owner: str) -> str:
    """A registered business, a draft."""
    body = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR, "sector": "kuliner", "sales": 36_000_000}
    return str((await clerk.post("/businesses", body)).raise_for_status().json()["id"])


async def verify(clerk: Caller, checker: Caller, business: str) -> str:
    """Hand a draft in and confirm it; its version is 3 then."""
    (await clerk.post(f"/businesses/{business}/submission", None, 1)).raise_for_status()
    (await checker.post(f"/businesses/{business}/verification", None, 2)).raise_for_status()
    return business


@pytest.fixture
async def verified(clerk: Caller, checker: Caller, business: str) -> str:
    """A verified business, version 3."""
    return await verify(clerk, checker, business)


async def make_mentor(checker: Caller, account: str, *kelurahan: str, target: int = 2) -> str:
    """Register a mentor and return their id."""
    body = {"account": account, "kelurahan": list(kelurahan), "weekly_target": target}
    return str((await checker.post("/mentors", body)).raise_for_status().json()["id"])


@pytest.fixture
async def mentor(checker: Caller) -> str:
    """A mentor of the whole city, whose account is ``pendamping-a``."""
    return await make_mentor(checker, "pendamping-a")
