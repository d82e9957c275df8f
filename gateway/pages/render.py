"""Pages from templates: one environment, in the reader's language."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chassis.problems import Language, language_of
from gateway.pages import shown
from gateway.pages.assets import address_of
from gateway.pages.forms import new_key, wrong_of
from gateway.pages.navigation import current_way, ways_of
from gateway.pages.texts import texts

FOLDER = Path(__file__).parent
OTHER: dict[Language, Language] = {"zh-CN": "en", "en": "zh-CN"}
LANGUAGE_COOKIE = "duijie_lang"
YEAR_S = 365 * 24 * 3600


def reader_language(request: Request) -> Language:
    """The reader's choice (`?lang=zh-CN` or `en`, now or before), else what the browser asks for."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen.lower().startswith("zh"):
        return "zh-CN"
    return "en" if chosen.lower().startswith("en") else language_of(request)


def page(request: Request, template: str, status: int = 200, *, here: str = "", **values: object) -> HTMLResponse:
    """The template, filled in for this reader. `here` is the address at which one comes back to it, of a page that
    answers a form whose own address shows nothing.
    """
    language = reader_language(request)
    caller = getattr(request.state, "caller", None)
    here = here or f"{request.url.path}?{request.url.query}"
    ways = ways_of(caller.role if caller else None)
    frame = {
        "path": urlsplit(here).path,
        "other_address": _in_other_language(here, OTHER[language]),
        "caller": caller,
        "ways": ways,
        "current": current_way(request.url.path, ways),
    }
    html = _filled(request, template, {**frame, **values})
    vary = "Accept-Language, Cookie"
    response = HTMLResponse(html, status, {"Vary": vary, "Content-Language": language})
    if caller is not None:
        response.headers["Cache-Control"] = "private, no-store"  # what one reader sees is no other's
    if "lang" in request.query_params:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="lax")
    return response


def fragment(request: Request, template: str, **values: object) -> Markup:
    """A part of a page that is the same for every reader of this language, for who keeps it."""
    return Markup(_filled(request, template, values))


def _filled(request: Request, template: str, values: Mapping[str, object]) -> str:
    language = reader_language(request)
    return (
        templates()
        .get_template(template)
        .render(
            t=texts(language),
            lang=language,
            other=OTHER[language],
            link=_linking(request, language),
            say=lambda text: text.in_language(language),
            asset=address_of,
            wrong_of=partial(wrong_of, language),
            **{name: partial(show, language) for name, show in shown.BY_LANGUAGE.items()},
            **values,
        )
    )


def _linking(request: Request, language: Language) -> Callable[..., str]:
    """Makes the addresses of links: where the reader chose a language here, the choice goes along."""
    chosen = {"lang": language} if "lang" in request.query_params else {}

    def link(path: str, **query: str | None) -> str:
        asked = {**{name: value for name, value in query.items() if value}, **chosen}
        return f"{path}?{urlencode(asked)}" if asked else path

    return link


def _in_other_language(here: str, other: Language) -> str:
    """That page in the other language. What came by a form is asked for again by its address alone."""
    told = urlsplit(here)
    asked = [(name, value) for name, value in parse_qsl(told.query, keep_blank_values=True) if name != "lang"]
    return f"{told.path}?{urlencode([*asked, ('lang', other)])}"


@cache
def templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown.FILTERS)
    environment.globals["new_key"] = new_key
    return environment
