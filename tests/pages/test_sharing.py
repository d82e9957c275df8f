"""A page's address in a browser: handed to whatever the phone shares with, or copied, or there to be read."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from tests.pages.support import PHONE, Visitor, visiting
from tests.system.conftest import Standalone

PATH = "/counties/321323"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
NOT_SHARING = "Object.defineProperty(Navigator.prototype, 'share', { value: undefined })"
SHARING = """
window.handed = [];
navigator.share = async (told) => { window.handed.push(told); };
"""
REFUSING = "navigator.share = async () => { throw new DOMException('', '%s'); };"
NO_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined });"
NO_COPYING = f"{NO_CLIPBOARD} document.execCommand = () => false;"
MARKED = "getSelection().toString()"


@contextmanager
def sharer(browser: Browser, platform: Standalone, script: str, language: str = "zh-CN") -> Iterator[Visitor]:
    """At a county's page, with a phone that is as the script makes it, and nothing on its clipboard."""
    with visiting(browser, platform.url, permissions=CLIPBOARD, **PHONE) as visitor:
        visitor.page.add_init_script(script)
        visitor.open(f"{PATH}?lang={language}")
        visitor.page.evaluate("navigator.clipboard?.writeText('')")
        yield visitor
        assert visitor.complaints == []


def copied(visitor: Visitor) -> str:
    return str(visitor.page.evaluate("navigator.clipboard.readText()"))


def test_a_phone_that_shares_is_handed_the_address_and_the_title(browser: Browser, platform: Standalone) -> None:
    with sharer(browser, platform, SHARING) as visitor:
        visitor.page.get_by_role("button", name="转发").click()
        title = visitor.page.locator(".share").get_attribute("data-title")
        assert visitor.page.evaluate("handed") == [{"title": title, "url": f"{visitor.url}{PATH}"}]
        assert copied(visitor) == ""
        expect(visitor.page.locator("#shared")).to_be_empty()


@pytest.mark.parametrize(("language", "button", "done"), [("zh-CN", "复制", "已复制"), ("en", "Copy", "Copied")])
def test_where_nothing_shares_the_address_is_copied_and_that_is_said(
    browser: Browser, platform: Standalone, language: str, button: str, done: str
) -> None:
    with sharer(browser, platform, NOT_SHARING, language) as visitor:
        expect(visitor.page.locator("#send")).to_be_hidden()
        visitor.page.get_by_role("button", name=button, exact=True).click()
        expect(visitor.page.get_by_role("status").filter(has_text=done)).to_be_visible()
        assert copied(visitor) == f"{visitor.url}{PATH}"


@pytest.mark.parametrize(
    ("refusal", "said"), [("NotAllowedError", "已复制"), ("AbortError", ""), ("InvalidStateError", "")]
)
def test_what_could_not_be_handed_on_is_copied_unless_somebody_changed_their_mind_or_tapped_twice(
    browser: Browser, platform: Standalone, refusal: str, said: str
) -> None:
    with sharer(browser, platform, REFUSING % refusal) as visitor:
        visitor.page.get_by_role("button", name="转发").click()
        expect(visitor.page.locator("#shared")).to_have_text(said)
        assert copied(visitor) == (f"{visitor.url}{PATH}" if said else "")


def test_without_a_clipboard_it_is_copied_as_pages_did_before_there_was_one(
    browser: Browser, platform: Standalone
) -> None:
    with sharer(browser, platform, NO_CLIPBOARD) as visitor:
        visitor.page.get_by_role("button", name="复制", exact=True).click()
        expect(visitor.page.locator("#shared")).to_have_text("已复制")


@pytest.mark.parametrize(
    ("language", "button", "said"), [("zh-CN", "复制", "没能复制"), ("en", "Copy", "It could not be copied")]
)
def test_what_cannot_be_copied_is_marked_and_that_is_said(
    browser: Browser, platform: Standalone, language: str, button: str, said: str
) -> None:
    with sharer(browser, platform, NO_COPYING, language) as visitor:
        visitor.page.get_by_role("button", name=button, exact=True).click()
        expect(visitor.page.locator("#shared")).to_contain_text(said)
        assert visitor.page.evaluate(MARKED) == f"{visitor.url}{PATH}"


def test_without_javascript_the_address_and_its_code_are_there_and_no_button_that_does_nothing(
    browser: Browser, platform: Standalone
) -> None:
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as visitor:
        visitor.open(PATH)
        expect(visitor.page.get_by_label("地址")).to_have_value(f"{visitor.url}{PATH}")
        expect(visitor.page.locator(".qr svg path.qrline")).to_be_visible()
        expect(visitor.page.get_by_role("img", name=f"二维码：{visitor.url}{PATH}")).to_be_visible()
        expect(visitor.page.locator(".share button:visible")).to_have_count(0)
