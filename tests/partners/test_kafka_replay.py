"""What an agency reads again of its own topic, as `docs/agencies.md` has it, with no rights but its own."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ops.kafka_admin.agencies import Access
from ops.stack.services import ROOT
from tests.partners.agency_topics import an_agency, parsed, poll, reader_of, settings_of, writer_of, writing
from tests.partners.bureau import VERIFIED, Bureau
from tests.stack.servers import Kafka

BLOCK = re.compile(r"Or set your group back.*?```python\n(.*?)```", re.DOTALL)
TIME, MOMENT = "1795622400000", "2026-11-26T00:00:00+08:00"


def program(code: str, since: int) -> str:
    """Return the program of the documentation, for an agency and a time."""
    found = BLOCK.search((ROOT / "docs/agencies.md").read_text(encoding="utf-8"))
    assert found is not None
    assert f"{TIME}  # {MOMENT}" in found[1]
    assert datetime.fromtimestamp(int(TIME) / 1000, UTC) == datetime.fromisoformat(MOMENT)
    return found[1].replace("dpmptsp", code).replace(TIME, str(since))


def write_config(kafka: Kafka, access: Access, folder: Path) -> None:
    """Write ``agency.conf`` as the office hands it over."""
    settings = settings_of(kafka, access)
    lines = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": settings.security_protocol,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": settings.username,
        "sasl.password": settings.password,
    }
    (folder / "agency.conf").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def read(kafka: Kafka, access: Access, count: int, seconds: float = 30.0) -> list[Any]:
    """Return what the agency's group reads, and commit it: so many events, or what comes in so many seconds."""
    consumer = reader_of(kafka, access, "reader")
    try:
        found = poll(consumer, count, seconds)
        if found:
            consumer.commit(asynchronous=False)
        return parsed(found)
    finally:
        consumer.close()


async def a_moment() -> int:
    """Return a moment, in milliseconds, after all that was written and before all that will be: it is over."""
    moment = int(datetime.now(UTC).timestamp() * 1000) + 1
    while datetime.now(UTC).timestamp() * 1000 <= moment:
        await asyncio.sleep(0.001)
    return moment


async def test_an_agency_sets_its_group_back_to_a_time_and_reads_again_from_there(
    bureau: Bureau, kafka: Kafka, tmp_path: Path
) -> None:
    with an_agency(kafka) as (code, access):
        await bureau.agree(agency=code, ways=["kafka"])
        businesses = await bureau.businesses(6)
        async with writing(writer_of(kafka, bureau.pool)):
            assert len(await asyncio.to_thread(read, kafka, access, 6)) == 6
            since = await a_moment()
            await bureau.hear(*(bureau.story.verified(business_id) for business_id in businesses))
            assert len(await asyncio.to_thread(read, kafka, access, 6)) == 6
        write_config(kafka, access, tmp_path)
        command = [sys.executable, "-c", program(code, since)]
        run = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        done = await asyncio.to_thread(run, command)
        assert (done.returncode, done.stderr) == (0, "")
        found = await asyncio.to_thread(read, kafka, access, 7, 10.0)
    assert [event.get_type() for event in found] == [VERIFIED] * 6
    assert {event.get_subject() for event in found} == {str(business_id) for business_id in businesses}
