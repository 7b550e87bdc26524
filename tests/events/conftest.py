"""The exhibitions on a fresh database: the app with tokens of any role, facts of others, commands at any time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.events.app import create_app
from services.events.settings import EventsSettings
from shared.auth import Role, new_signing_key, public_jwks
from shared.database import create_pool
from tests.events.fair import AUDIENCE, ISSUER, Fair
from tests.notifications.story import Registry, Story
from tests.stack.servers import Database
from tests.training.office import Caller


@pytest.fixture
async def fair(events_db: Database, tmp_path: Path) -> AsyncIterator[Fair]:
    """The exhibitions on a fresh database."""
    signing, keys = new_signing_key(), Registry()
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(public_jwks(signing)))
    settings = EventsSettings(
        database_dsn=events_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="events",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=str(jwks),
        http_port=0,
    )
    async with await create_pool(events_db.dsn, min_size=0, max_size=24) as pool:
        yield Fair(create_app(settings, pool), pool, signing, keys, Story(keys), events_db)


@pytest.fixture
def clerk(fair: Fair) -> Caller:
    """An officer of the city."""
    return fair.caller(Role.PETUGAS_DINAS)
