"""Another key for the secrets of webhooks while agencies change and remove them, and while they sign."""

from __future__ import annotations

import asyncio
import base64
from itertools import chain

import pytest

from services.partners.handlers.sealing import SecretBox
from services.partners.store.webhooks import Wrapped
from shared.auth import Role
from tests.desk import Caller
from tests.partners.bureau import WEBHOOK_KEYS, Bureau
from tests.partners.receiving import WAYS

OLD = WEBHOOK_KEYS.splitlines()[0]
NEW = base64.b64encode(bytes([9]) * 32).decode()
AGENCIES = 6


async def rotate(operator: Caller, limit: int) -> int:
    """Ask for batch after batch, once from the beginning to the end; return how many were wrapped anew."""
    done, after = 0, None
    while True:
        step = (
            await operator.post("/key-rotation/batches", {"limit": limit} | ({"after": after} if after else {}))
        ).json()
        done, after = done + step["rewrapped"], step["next"]
        if after is None:
            return done


@pytest.mark.security(line="S3")
async def test_secrets_are_wrapped_anew_while_they_are_changed_and_removed(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    agency, operator = bureau.agency(), bureau.caller(Role.OPERATOR)
    made = [(await agency.post("/webhooks", {"url": f"https://instansi.example/{n}"})).json() for n in range(AGENCIES)]
    bureau.app.state.secret_box = SecretBox([NEW, OLD])
    changing = [agency.post(f"/webhooks/{item['id']}/secrets", {}, 1) for item in made[:3]]
    removing = [agency.client.delete(f"/webhooks/{item['id']}", headers={"If-Match": '"1"'}) for item in made[3:5]]
    results = await asyncio.gather(*chain(changing, removing, (rotate(operator, 1) for _ in range(4))))
    assert {answer.status_code for answer in results[:5]} <= {200, 201}
    await rotate(operator, 100)
    found = (await operator.get("/key-rotation")).json()["keys"]
    assert [(key["place"], key["rows"], key["may_be_removed"]) for key in found] == [
        ("first", 7, False),
        ("older", 0, True),
    ]
    rows = await bureau.pool.fetch("SELECT id, webhook_id, wrapped, kek_id, expires_at FROM webhook_secret")
    alone = SecretBox([NEW])
    opened = {"whsec_" + base64.b64encode(alone.open(Wrapped(**row))).decode() for row in rows}
    told = {item["secret"] for item in (*made[:3], made[5])} | {answer.json()["secret"] for answer in results[:3]}
    assert opened == told
