"""Pages from templates: one environment, in the reader's language."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chassis.problems import Language, language_of
from gateway.pages.texts import texts

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
OTHER: dict[Language, Language] = {"zh-CN": "en", "en": "zh-CN"}


def reader_language(request: Request) -> Language:
    """The reader's choice (`?lang=zh-CN` or `en`), else what the browser asks for."""
    chosen = request.query_params.get("lang", "").lower()
    if chosen.startswith("zh"):
        return "zh-CN"
    return "en" if chosen.startswith("en") else language_of(request)


def page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """The template, filled in for this reader."""
    language = reader_language(request)
    # the choice goes along every link, but only where one was made
    chosen = {"lang": language} if "lang" in request.query_params else {}

    def link(path: str, **query: str | None) -> str:
        asked = {**{name: value for name, value in query.items() if value}, **chosen}
        return f"{path}?{urlencode(asked)}" if asked else path

    html = (
        _environment()
        .get_template(template)
        .render(
            t=texts(language),
            lang=language,
            other=OTHER[language],
            link=link,
            path=request.url.path,
            say=lambda text: text.in_language(language),
            css=css_url(),
            **values,
        )
    )
    return HTMLResponse(html, status, {"Vary": "Accept-Language", "Content-Language": language})


@cache
def css_url() -> str:
    """With its content's hash, so that a browser may keep it for ever and still gets a new one."""
    return f"/static/duijie.css?{sha256((STATIC / 'duijie.css').read_bytes()).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment


def prose(text: str) -> Markup:
    """The text with its `code spans` as such; everything in it is escaped."""
    parts = str(escape(text)).split("`")
    return Markup("".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts)))
