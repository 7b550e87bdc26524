"""What is kept no longer goes in steps, each its own transaction, so that none is too long for the server."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from services.partners.store import events
from tests.partners.bureau import REGISTERED, Bureau

WATCH = """
CREATE TABLE step (bodies int);
CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $body$
BEGIN
    INSERT INTO step SELECT count(*) FROM gone;
    IF (SELECT count(*) FROM step) = 2 THEN RAISE 'cut off' USING ERRCODE = '25P04'; END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER note_step AFTER DELETE ON event_body REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_step();
"""
"""Notes how many bodies each statement takes away, and cuts the second one off."""
GO_ON = """
CREATE OR REPLACE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $body$
BEGIN
    INSERT INTO step SELECT count(*) FROM gone;
    RETURN NULL;
END $body$
"""


async def test_old_events_go_in_steps_and_who_was_cut_off_goes_on(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RETIRED_POSITIONS", 4)
    await bureau.agree({REGISTERED: ["business_id"]})
    told = await bureau.businesses(11)
    later = datetime.now(UTC)
    server = await asyncpg.connect(bureau.database.superuser_dsn)
    try:
        await server.execute(WATCH)
        with pytest.raises(asyncpg.PostgresError, match="cut off"):
            await events.retire(bureau.pool, later)
        kept = [event.get_subject() for event in await bureau.read_all()]
        assert kept == [str(business_id) for business_id in told[4:]]
        await server.execute(GO_ON)
        assert await events.retire(bureau.pool, later) == 2  # owners and businesses
        assert await bureau.read_all() == []
        assert [row[0] for row in await server.fetch("SELECT bodies FROM step ORDER BY ctid")] == [4, 4, 3, 1]
        assert await events.retire(bureau.pool, later) == 0
    finally:
        await server.close()
