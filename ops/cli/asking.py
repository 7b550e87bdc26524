"""A question to a service of the local stack, by its HTTP API, as the operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx2

from ops.cli.output import fail
from ops.stack import Stack
from shared.auth import Role

PATIENCE_SECONDS = 10.0


class NoAnswerError(RuntimeError):
    """A service did not answer the question; one sentence says why."""


def ask_projections(path: str, params: Mapping[str, Any], *, as_json: bool) -> tuple[Any, str]:
    """Return the projections' answer and the address of their API; ends the command with a sentence where there is none."""
    return ask_service("projections", path, params, as_json=as_json)


def ask_service(
    service: str, path: str, params: Mapping[str, Any], *, as_json: bool, seconds: float = PATIENCE_SECONDS
) -> tuple[Any, str]:
    """Return the answer of a service and the address of its API; ends the command with a sentence where there is none in so many seconds."""
    try:
        return _asked("GET", service, path, params, {}, seconds)
    except NoAnswerError as error:
        fail(str(error), as_json=as_json)


def deed_of(service: str, path: str, version: int) -> Any:
    """Do something to what stands in ``version``, and return the answer of a service. Raises ``NoAnswerError``."""
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": f'"{version}"'}
    return _asked("POST", service, path, {}, headers)[0]


def answer_of(service: str, path: str, params: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the answer of a service and the address of its API. Raises ``NoAnswerError``."""
    return _asked("GET", service, path, params, {})


def _asked(
    method: str,
    service: str,
    path: str,
    params: Mapping[str, Any],
    headers: Mapping[str, str],
    seconds: float = PATIENCE_SECONDS,
) -> tuple[Any, str]:
    stack = Stack()
    try:
        url = stack.api_url(service)
    except KeyError:
        raise NoAnswerError("The stack is not up: `naikkelas up` starts it.") from None
    shown = {"Authorization": f"Bearer {stack.token([Role.OPERATOR])}", **headers}
    given = {name: value for name, value in params.items() if value is not None}
    try:
        answer = httpx2.request(method, f"{url}{path}", params=given, headers=shown, timeout=seconds)
    except httpx2.HTTPError as error:
        why = type(error).__name__
        raise NoAnswerError(f"{url} does not answer ({why}): `naikkelas status` tells why.") from error
    if answer.status_code != 200:
        detail = answer.json().get("detail", "") if "json" in answer.headers.get("content-type", "") else ""
        raise NoAnswerError(f"{url} answers {answer.status_code}. {detail}".strip())
    return answer.json(), url
