"""The partner service on a fresh database: the app with tokens of any role, facts of others, agencies that read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.partners.app import close_app, create_app
from services.partners.settings import PartnersSettings
from shared.database import create_pool
from tests.desk import AUDIENCE, ISSUER, make_signing
from tests.notifications.story import Registry, Story
from tests.partners.bureau import CURSOR_KEYS, WEBHOOK_KEYS, Bureau
from tests.stack.servers import Database


@pytest.fixture
async def bureau(partners_db: Database, tmp_path: Path) -> AsyncIterator[Bureau]:
    """The partner service on a fresh database, with what wakes those who wait."""
    (signing, jwks), keys = make_signing(tmp_path), Registry()
    token = tmp_path / "token"
    token.write_text("token\n")
    settings = PartnersSettings(
        database_dsn=partners_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="partners",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=jwks,
        http_port=0,
        registry_url="http://127.0.0.1:1",
        service_token_file=token,
        cursor_key=CURSOR_KEYS,
        webhook_key=WEBHOOK_KEYS,
        webhook_networks="127.0.0.0/8",
        watch_seconds=0.05,
    )
    async with await create_pool(partners_db.dsn, min_size=0, max_size=24) as pool:
        app = create_app(settings, pool)
        await close_app(app)
        app.state.keys = app.state.feed._keys = keys.client()
        stop = asyncio.Event()
        watching = asyncio.create_task(app.state.watch.run(stop))
        yield Bureau(app, pool, signing, keys, Story(keys), partners_db)
        stop.set()
        await watching
        await close_app(app)
