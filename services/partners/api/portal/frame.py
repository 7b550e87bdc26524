"""What all pages of the portal share: their language, how they are made, and refusals as pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.partners.api.portal.code_words import Codes
from services.partners.api.portal.refusal_words import Refused, say
from services.partners.api.portal.words import LANGUAGES, words_of
from shared.auth import Principal, Role, allow
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.problems import Problem, standard, unavailable
from shared.web_pages import PAGE_HEADERS, page_environment, style_url
from shared.web_pages.forms import FormCodes
from shared.wita import write_day, write_moment, write_number

TEMPLATES = Path(__file__).parent.parent / "templates"
HEADERS = {**PAGE_HEADERS, "Cache-Control": "no-store"}
ROUTE = "/portal"
_CODE = re.compile(r"[a-z][a-z0-9-]{1,29}")

Visitor = Annotated[Principal, Depends(allow(Role.INSTANSI, Role.OPERATOR))]
Person = Annotated[Principal, Depends(allow(Role.INSTANSI))]
"""Somebody of an agency, who does what the operator may not: what makes secrets and what cannot be taken back."""


def language_of(request: Request) -> str:
    """Return the language in the page's address, Indonesian where that names none."""
    asked = request.path_params.get("language")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def place_of(request: Request) -> int:
    """Return the place of the page's language in pairs of words."""
    return LANGUAGES.index(language_of(request))


@cache
def _environment(language: str) -> Environment:
    """Return what makes pages in a language."""
    environment = page_environment(TEMPLATES)
    environment.filters |= {
        "day": partial(write_day, language=language),
        "moment": partial(write_moment, language=language),
        "number": partial(write_number, language=language),
    }
    environment.globals |= {
        "lang": language,
        "w": words_of(language),
        "codes": Codes(LANGUAGES.index(language), language),
        "choices": [(code, words_of(code)["language_name"]) for code in LANGUAGES],
    }
    return environment


def page(
    request: Request, template: str, values: Mapping[str, Any], here: str, *, operator: bool, status: int = 200
) -> Response:
    """Return a page; ``here`` is where the same is found in the other language, below that language's folder."""
    language, up = language_of(request), request.url.path.count("/") - 1
    told = {
        **values,
        "here": here,
        "operator": operator,
        "home": "../" * (up - 2) + "./" if up > 1 else f"{language}/",
        # Anybody may ask for an address of any depth, so the depth makes no environment of its own.
        "style_url": style_url(up),
    }
    environment = _environment(language)
    return HTMLResponse(environment.get_template(template).render(told), status, headers=HEADERS)


def refused(request: Request, problem: Problem, back: str | None = None) -> Response:
    """Return a refusal as a page, with its status and its headers; ``back`` is the page to go on from, below the language."""
    principal = getattr(request.state, "principal", None)
    operator = principal is not None and Role.OPERATOR in principal.roles
    values = {"refused": say_here(request, problem), "back": back}
    answer = page(request, "portal_refused.html", values, "", operator=operator, status=problem.status)
    answer.headers.update(problem.headers)
    return answer


def say_here(request: Request, problem: Problem) -> Refused:
    """Return a refusal in the words of the page's language."""
    place = place_of(request)
    return say(problem, place, Codes(place, LANGUAGES[place]))


class PortalRoute(APIRoute):
    """A route whose refusals are pages, also those of who may come in and of the address."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what serves a request."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                _check_language(request)
                return await handle(request)
            except Problem as problem:
                return refused(request, problem)
            except RequestValidationError:
                return refused(request, standard(422))
            except SERVER_ERRORS as error:
                if not is_infrastructure_error(error):
                    raise
                return refused(request, unavailable())

        return handled


def _check_language(request: Request) -> None:
    if request.path_params.get("language", LANGUAGES[0]) not in LANGUAGES:
        raise standard(404)


def read_id(text: str) -> UUID:
    """Return an id in a page's address. Raises the problem 404."""
    try:
        found = UUID(text)
    except ValueError:
        raise standard(404) from None
    if str(found) != text.lower():
        raise standard(404)
    return found


def read_code(text: str, whose: str | None) -> str:
    """Return an agency's code in a page's address; another agency's is not there. Raises the problem 404."""
    if not _CODE.fullmatch(text) or whose not in {None, text}:
        raise standard(404)
    return text


def form_codes(request: Request) -> FormCodes:
    """Return what signs forms."""
    codes: FormCodes = request.app.state.form_codes
    return codes


def form_deed(name: str, thing: object) -> str:
    """Return what a form does and with what, as its code is signed for."""
    return f"webhook|{name}|{thing}"
