"""The trainings on a fresh database: the app with tokens of any role, facts of the registry, commands at any time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.training.app import close_app, create_app
from services.training.settings import TrainingSettings
from shared.auth import Role
from shared.database import create_pool
from tests.desk import AUDIENCE, ISSUER, Caller, make_signing
from tests.notifications.story import Registry, Story
from tests.stack.servers import Database
from tests.training.office import Office


@pytest.fixture
def keys() -> Registry:
    """The keys of the owners, and how the registry answers for them."""
    return Registry()


@pytest.fixture
async def office(training_db: Database, keys: Registry, tmp_path: Path) -> AsyncIterator[Office]:
    """The trainings on a fresh database."""
    signing, jwks = make_signing(tmp_path)
    token = tmp_path / "token"
    token.write_text("token\n")
    settings = TrainingSettings(
        database_dsn=training_db.dsn,
        kafka_bootstrap="127.0.0.1:1",
        kafka_username="training",
        kafka_password="x",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwks=jwks,
        http_port=0,
        registry_url="http://127.0.0.1:1",
        service_token_file=token,
        public_url="https://naikkelas.example/training",
    )
    async with await create_pool(training_db.dsn, min_size=0, max_size=24) as pool:
        app = create_app(settings, pool)
        await close_app(app)
        app.state.name_keys, app.state.nib_keys = keys.client(), keys.client()
        yield Office(app, pool, signing, keys, Story(keys), training_db)
        await close_app(app)


@pytest.fixture
def clerk(office: Office) -> Caller:
    """An officer of the city."""
    return office.caller(Role.PETUGAS_DINAS)
