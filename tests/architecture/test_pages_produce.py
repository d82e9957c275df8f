"""The tests of the pages share one platform, so each of their files has produce, and with it a market, of its own."""

import ast
from collections import defaultdict
from pathlib import Path

from catalogue.produce import all_produce

PAGES = Path(__file__).parents[1] / "pages"
SLUG_BY_NAME = {name: each.slug for each in all_produce() for name in (each.slug, each.name_zh) if name}


def named_in(path: Path) -> set[str]:
    """The produce that the file names in texts of its own, or asks for in an address."""
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    asked = [text.partition("produce=")[2].partition("&")[0] for text in texts]
    return {SLUG_BY_NAME[text] for text in (*texts, *asked) if text in SLUG_BY_NAME}


def test_no_two_files_of_the_pages_tests_trade_in_the_same_produce() -> None:
    files_by_slug = defaultdict(list)
    for path in sorted(PAGES.glob("test_*.py")):
        for slug in named_in(path):
            files_by_slug[slug].append(path.name)
    assert {slug: files for slug, files in files_by_slug.items() if len(files) > 1} == {}
    assert len(files_by_slug) > 20, "they are found"
