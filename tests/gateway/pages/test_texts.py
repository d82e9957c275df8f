"""What the pages say, as it stands in the templates."""

import re
from pathlib import Path

import pytest

from gateway.pages import api, render
from gateway.pages.texts import TEXTS

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
