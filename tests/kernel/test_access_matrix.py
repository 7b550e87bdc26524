"""Every operation of every service with every role: who is not named is refused by a real request, before anything is read."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest

from shared.auth import Role, new_signing_key, sign_token
from tests.access import AUDIENCE, DOCUMENT, ISSUER, Operation, apps, document, operations

SOME_ID = "0192f0c0-0000-7000-8000-000000009900"


def _address(operation: Operation) -> str:
    """Return an address of the operation: whatever stands for its parameters, the caller is judged first."""
    return re.sub(r"\{[^}]+\}", SOME_ID, operation.path.replace("{language}", "id"))


@pytest.mark.security(line="S2")
@pytest.mark.security(line="S19", item="API5")
async def test_every_operation_refuses_every_role_that_the_page_does_not_name(tmp_path: Path) -> None:
    signing = new_signing_key()
    made = apps(tmp_path, signing)
    assert document(made) == DOCUMENT.read_text(encoding="utf-8"), (
        "run python -m tests.access and commit docs/access.md"
    )
    said = {"issuer": ISSUER, "audience": AUDIENCE, "kelurahan": "64.71.01.1001", "agency": "dpmptsp"}
    callers = {
        role: {"Authorization": f"Bearer {sign_token(signing, subject='x', roles=[role], **said)}"} for role in Role
    }
    tried, wrong = 0, []
    for service, app in made.items():
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://uji") as client:
            for operation in operations({service: app}):
                if operation.roles is None:
                    continue
                for role in (None, *Role):
                    if role in operation.roles:
                        continue
                    answer = await client.request(
                        operation.method, _address(operation), headers=callers[role] if role else {}
                    )
                    tried += 1
                    if answer.status_code != (403 if role else 401):
                        wrong.append((operation, role, answer.status_code))
    assert wrong == []
    assert tried > 700  # who lets everybody in, or forgets a service, is found out
