"""Idempotency keys: a POST that is sent again gets the first answer, and has no second effect (Stripe's rules).

A handler gives its work as a function of the connection, and says what is to be answered::

    @router.post("/owners", status_code=201)
    async def register_owner(
        body: RegisterOwnerRequest, request: Request,
        principal: Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))],
        once: OnlyOnce,
    ) -> Response:
        async def work(connection: asyncpg.Connection) -> Answer:
            owner = await handlers.register_owner(connection, body.to_command(), cause_of(request, principal))
            return Answer(201, {"id": str(owner.id), "version": owner.version}, {"Location": f"/owners/{owner.id}"})

        return await once.run(request.app.state.pool, work)

``run`` opens the transaction: claim of the key, the work, and the stored answer commit together or not at all, so the
promise survives any crash. Do not open another transaction inside (it would be a savepoint with two more round trips).

The rules:
* The header ``Idempotency-Key`` (1 to 255 visible ASCII characters) is required: without it 400.
* Same caller, key and request: the stored status, headers and body, with ``Idempotency-Replayed: true``. The request is
  its method, path, query, ``If-Match`` and body; JSON bodies are compared by content, not by their spelling.
* Same key, other request: 422.
* Two at once: the second waits for the first (at most 5 s, else 409 with Retry-After) and gets its answer.
* Stored are successes, and refusals by a rule (a ``Problem`` below 500 raised by the work): who wants another try after
  such a refusal takes a new key. Not stored, so that the same key may be sent again: what never reached the work
  (401, 403, 413, 422 of the form), 409 of this module, 429, and everything from 500 up. There Stripe stores and we do
  not, because here a failure has rolled everything back: nothing happened.
* Keys are kept for 24 hours.

Keep personal values out of the ``Answer``: it is stored in the clear for a day. Ids, versions and states are enough.
For uploads pass ``content=`` (a digest of the file and of the fields that matter); the body is then not read again.
A route that does what several ask in one transaction (group commit) uses ``Once.asked`` and ``run_together``: each has its own key
and its own answer, and who cannot be done together is left out, to be run alone.
"""

from shared.idempotency.answers import Answer, RequestKey, StoredAnswer, canonical, render, request_key
from shared.idempotency.running import (
    HEADER,
    REPLAYED,
    Once,
    OnlyOnce,
    assert_every_post_is_idempotent,
    once,
)
from shared.idempotency.table import KEPT_FOR, PURGE_ROWS, claim, purge, store
from shared.idempotency.together import Asked, WorkTogether, run_together

__all__ = [
    "HEADER",
    "KEPT_FOR",
    "PURGE_ROWS",
    "REPLAYED",
    "Answer",
    "Asked",
    "Once",
    "OnlyOnce",
    "RequestKey",
    "StoredAnswer",
    "WorkTogether",
    "assert_every_post_is_idempotent",
    "canonical",
    "claim",
    "once",
    "purge",
    "render",
    "request_key",
    "run_together",
    "store",
]
