"""The reference as it reads, kept: to work it out and to draw it takes 50 ms, and it is 300 kB."""

from typing import Any

from fastapi import Request
from markupsafe import Markup

from chassis.problems import Language
from gateway.pages.operations import read_reference
from gateway.pages.render import fragment, reader_language


class Reference:
    """The newest document's, in each language, with the language in its links or without."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Language, bool], tuple[Any, Markup]] = {}

    def html(self, request: Request, document: Any) -> Markup:
        """For this reader. `document` is another object whenever it says something else."""
        language = reader_language(request)
        kept_as = language, "lang" in request.query_params
        of, html = self._kept.get(kept_as, (None, Markup()))
        if of is not document:
            html = fragment(request, "reference.html", reference=read_reference(document, language))
            self._kept[kept_as] = document, html
        return html
