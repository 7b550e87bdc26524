"""The story on a stack that is up, with a city that is imported: whose tokens it uses, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ops.audit import wait_until_quiet
from ops.clients import Clients, Counts
from ops.report import Report
from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.story.plan import Plan
from ops.story.scene import CHECKER, CLERK, CURATORS, MENTORS, Scene, StoryStoppedError, Tell
from ops.story.story import Story, Told
from shared.auth import Role

PATIENCE_SECONDS = 300.0


def tokens_of(stack: Stack) -> dict[str, str]:
    """Return the tokens of those who act: a clerk, another one who verifies, curators and mentors."""
    office = [Role.PETUGAS_DINAS, Role.OPERATOR]
    return {
        CLERK: stack.token(office, subject=CLERK),
        CHECKER: stack.token(office, subject=CHECKER),
        **{curator: stack.token([Role.KURATOR], subject=curator) for curator in CURATORS},
        **{mentor: stack.token([Role.PENDAMPING], subject=mentor) for mentor in MENTORS},
    }


async def tell_story(
    stack: Stack, plan: Plan, seed: int, say: Callable[[str], None], tell: Tell
) -> tuple[list[Told], Report | None, Counts]:
    """Play the whole story; return what came of each chapter, the year's report, and what was sent.

    Raises ``AnswerError``, ``StoryStoppedError``, ``FigureMismatchError`` and the errors of the network.
    """
    databases = {service: stack.dsn(service, "audit") for service in SERVICES}

    async def settle() -> None:
        if not await wait_until_quiet(databases, PATIENCE_SECONDS):
            raise StoryStoppedError(f"the services have not caught up within {PATIENCE_SECONDS:.0f} s")

    urls = {name: stack.api_url(name) for name in SERVICES}
    async with Clients(urls, tokens_of(stack)) as clients:
        scene = Scene(clients, plan, tell, settle, Random(seed))
        told = await Story(scene, lambda: len(list(stack.home.mail.glob("*.eml"))), say).play()
        return told, scene.report, clients.counts
