"""What the pages say, as it stands in the templates."""

import re
from pathlib import Path

import pytest

from chassis.problems import Problem
from gateway.pages import api, render
from gateway.pages.texts import TEXTS
from services.logistics.programmes.models import SecondOfficerNeeded

TEMPLATES = Path(render.FOLDER) / "templates"
TOLD_BEFORE_MORE = re.compile(r'\{\{ t\("([\w.-]+)"\) \}\} +(?=\S)')
ENDS = tuple("。：；，、！？")


@pytest.mark.parametrize(
    "template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES))
)
def test_no_blank_follows_what_ends_a_chinese_sentence(template: Path) -> None:
    assert api.router.routes, "the areas have brought their texts in"
    named = TOLD_BEFORE_MORE.findall(template.read_text(encoding="utf-8"))
    assert [name for name in named if TEXTS[name].zh.endswith(ENDS)] == []


def test_no_english_sentence_is_about_a_bare_who() -> None:
    """As `Who reviewed one can't pay` and `paid to who was not entitled` are; a question may begin so."""
    assert api.router.routes, "the areas have brought their texts in"
    bare = re.compile(r"(?:^|[.:;] )Who (?!grew it)[^?]*?[.]|\bto who \w|\brules of then\b")
    problems = {kind.slug: kind.detail for kind in Problem.known().values()}
    assert SecondOfficerNeeded.slug in problems
    assert [name for name, text in (TEXTS | problems).items() if bare.search(text.en)] == []


def test_what_a_hint_says_of_encodings_it_says_in_both_languages() -> None:
    assert api.router.routes, "the areas have brought their texts in"
    for encoding in ("UTF-8", "GB18030"):
        assert [name for name, text in TEXTS.items() if (encoding in text.zh) != (encoding in text.en)] == []
