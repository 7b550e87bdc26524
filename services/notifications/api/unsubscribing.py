"""The public page behind the link of an announcement or a reminder: looking changes nothing, one click stops the topic (RFC 8058).

A mail service posts ``List-Unsubscribe=One-Click`` to the link, without a login and without a cookie; the page's own
button posts what the owner chose. Whatever else is posted stops the topic too: who has the link has the right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi import Path as PathPart
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from services.notifications.api.asking import Database
from services.notifications.commands import ChooseTopic, Topic
from services.notifications.domain.announcements import TOPIC_NAMES
from services.notifications.domain.unsubscribing import PATH, BadLinkError, UnsubscribeLinks
from services.notifications.handlers import announcing
from shared.auth import public
from shared.web_pages import page_environment

TEMPLATES = Path(__file__).parent / "templates"
FORM = "application/x-www-form-urlencoded"
STOP, AGAIN = "stop", "again"

Token = Annotated[str, PathPart(max_length=200, description="Bagian terakhir dari tautan di dalam pengumuman.")]

_WORDS = {
    "id": (
        ("Berhenti menerima topik ini?", "Anda menerima pengumuman dan pengingat tentang {topic}.", "Ya, berhenti"),
        ("Anda sudah berhenti", "Anda tidak menerima lagi pengumuman dan pengingat tentang {topic}.", "Terima lagi"),
    ),
    "en": (
        ("Stop this topic?", "You receive announcements and reminders about {topic}.", "Yes, stop"),
        ("You have stopped", "You receive no more announcements and reminders about {topic}.", "Receive them again"),
    ),
}
"""Language to title, lead and button: of a topic that is received, and of one that was stopped."""
_FOOTERS = {
    "id": "Pesan tentang usaha Anda sendiri tetap dikirim. Untuk menghentikan semuanya, hubungi dinas.",
    "en": "Messages about your own business go on. To stop all of them, contact the office.",
}
_BAD_LINK = {
    "title": "Tautan tidak dikenal",
    "lead": "Tautan ini tidak lengkap atau bukan dari kami. Salin seluruh tautan dari pesan, lalu coba lagi.",
    "footer": "The link is not complete, or not ours.",
}


def unsubscribe_router() -> APIRouter:
    """Return the routes of the page and its style sheet."""
    environment = page_environment(TEMPLATES, up=1)
    router = APIRouter(tags=["berhenti berlangganan"], dependencies=[Depends(public())])

    @router.get(f"{PATH}/{{token}}", summary="Halaman untuk berhenti dari satu topik", response_class=HTMLResponse)
    async def ask(request: Request, pool: Database, token: Token) -> Response:
        """Show how the owner of the link stands to its topic. Nothing changes, since mail scanners open every link."""
        owner = _read(request, token)
        if owner is None:
            return _bad_link(environment)
        return _page(environment, owner[1], *(await announcing.choice_of(pool, *owner) or ("id", False)))

    @router.post(f"{PATH}/{{token}}", summary="Berhenti dari satu topik dengan satu klik", response_class=HTMLResponse)
    async def choose(request: Request, pool: Database, token: Token) -> Response:
        """Stop the topic (RFC 8058), or take it up again where the page's form says so. Twice changes nothing."""
        owner = _read(request, token)
        if owner is None:
            return _bad_link(environment)
        wanted = await _wants_again(request)
        await announcing.choose_topic(pool, ChooseTopic(*owner, wanted))
        language, _ = await announcing.choice_of(pool, *owner) or ("id", False)
        return _page(environment, owner[1], language, not wanted)

    return router


def _read(request: Request, token: str) -> tuple[UUID, Topic] | None:
    links: UnsubscribeLinks = request.app.state.links
    try:
        return links.read(token)
    except BadLinkError:
        return None


async def _wants_again(request: Request) -> bool:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return False
    fields = parse_qs((await request.body()).decode("latin-1"))
    return fields.get("choice") == [AGAIN]


def _page(environment: Environment, topic: Topic, language: str, stopped: bool) -> Response:
    title, lead, button = _WORDS[language][stopped]
    lead = lead.format(topic=TOPIC_NAMES[topic][language])
    words = {"title": title, "lead": lead, "button": button, "footer": _FOOTERS[language]}
    choice = AGAIN if stopped else STOP
    return _html(environment, words, language, choice, 200)


def _bad_link(environment: Environment) -> Response:
    return _html(environment, _BAD_LINK, "id", None, 404)


def _html(environment: Environment, words: dict[str, str], language: str, choice: str | None, status: int) -> Response:
    html = environment.get_template("unsubscribe.html").render(words=words, language=language, choice=choice)
    return HTMLResponse(html, status_code=status)
