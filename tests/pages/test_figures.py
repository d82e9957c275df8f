"""Figures on a phone: none is broken in two, however long it is, and none makes the page wider than it is."""

import pytest
from playwright.sync_api import Browser

from gateway.pages.assets import STATIC
from tests.pages.support import PHONE

SUMS = ("1,677,653.5", "499,724,107.68", "166,280,182", "0.00")
STATS = "".join(f"<div><dt>x</dt><dd><span class=n>{each}</span> <small>99.9 %</small></dd></div>" for each in SUMS)
CELLS = "".join(f'<td class="number"><span class=n>{each}</span></td>' for each in SUMS)
HEADS = "".join('<th scope="col" class="number"><span class=n>Produce</span></th>' for _ in SUMS)
TABLE = f"<thead><tr>{HEADS}</tr></thead><tbody><tr>{CELLS}</tr></tbody></table>"
PRICE, MASS = "<span class='kept n'>15.20 元/公斤</span>", "<span class='kept n'>1,200.5 公斤</span>"
BUTTON = f"<span>把这批货的底价降到 {PRICE}，可再卖 {MASS}</span>"
LINES = "[...document.querySelectorAll('.n')].map((each) => each.getClientRects().length)"
WIDER_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(
    "part",
    [
        f'<dl class="stats">{STATS}</dl>',
        f'<dl class="stats three">{STATS}</dl>',
        f'<div class="card"><dl class="stats parts">{STATS}</dl></div>',
        f'<section class="card"><div class="scroll"><table class="lean">{TABLE}</div></section>',
        f'<table class="cards">{TABLE}',
        f'<button class="primary">{BUTTON}</button>',
    ],
)
def test_no_figure_and_no_word_is_broken_in_two(browser: Browser, part: str) -> None:
    page = browser.new_page(**PHONE)
    style = (STATIC / "duijie.css").read_text(encoding="utf-8")
    page.set_content(
        f"<!doctype html><html lang=en><meta name=viewport content='width=device-width'>"
        f"<style>{style}</style><body><main>{part}</main>"
    )
    assert set(page.evaluate(LINES)) == {1}
    assert page.evaluate(WIDER_PX) == 0
    page.close()
