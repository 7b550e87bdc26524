"""The exhibitions on a fresh database: the app with tokens of any role, facts of others, commands at any time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.events.app import create_app
from services.events.settings import EventsSettings
from shared.auth import Role
from shared.database import create_pool
from tests.desk import AUDIENCE, ISSUER, Caller, make_signing
from tests.events.fair import Fair
from tests.notifications.story import Registry, Story
from tests.stack.servers import Database


@pytest.fixture
async def fair(events_db: Database, tmp_path: Path) -> AsyncIterator[Fair]:
    """The exhibitions on a fresh database."""
    (signing, jwks), keys = make_signing(tmp_path), Registry()
    settings = EventsSettings(
        database_dsn=events_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="events",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=jwks,
        http_port=0,
    )
    async with await create_pool(events_db.dsn, min_size=0, max_size=24) as pool:
        yield Fair(create_app(settings, pool), pool, signing, keys, Story(keys), events_db)


@pytest.fixture
def clerk(fair: Fair) -> Caller:
    """An officer of the city."""
    return fair.caller(Role.PETUGAS_DINAS)
