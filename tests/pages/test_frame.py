"""The frame of every page: where to go, in which language, who is signed in; with and without JavaScript."""

import pytest
from playwright.sync_api import Browser, expect

from gateway.pages.navigation import home_of
from tests.pages.support import ACCOUNTS, PHONE, Visitor, visiting
from tests.system.conftest import Standalone


def test_a_reader_switches_the_language_and_it_stays(phone: Visitor) -> None:
    phone.open("/")
    assert phone.page.locator("html").get_attribute("lang") == "zh-CN"
    phone.page.get_by_role("link", name="English").click()
    phone.page.get_by_role("link", name="Sign in").first.click()
    assert phone.page.locator("html").get_attribute("lang") == "en"
    phone.open("/board")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Public board")


@pytest.mark.parametrize("role", ACCOUNTS)
def test_one_click_leads_each_role_to_where_its_work_begins_and_out_again(desk: Visitor, role: str) -> None:
    desk.be(role)
    assert desk.page.url == desk.url + home_of(role)
    desk.page.get_by_role("button", name="退出").click()
    expect(desk.page.get_by_role("link", name="登录").first).to_be_visible()


def test_who_must_sign_in_first_comes_to_where_they_wanted(phone: Visitor) -> None:
    phone.open("/farm/new")
    assert "/sign-in?next=" in phone.page.url
    phone.click_guest("producer")
    phone.page.wait_for_url("**/farm/new")


def test_a_role_without_the_right_is_told_so_on_a_page(desk: Visitor) -> None:
    desk.be("citizen")
    answer = desk.page.goto(desk.url + "/programmes")
    assert answer is not None
    assert answer.status == 403
    expect(desk.page.get_by_role("link", name="换个身份登录")).to_be_visible()
    desk.complaints.clear()  # the browser tells a 403 on its console


def test_signing_in_works_without_javascript(browser: Browser, platform: Standalone) -> None:
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as visitor:
        visitor.be("producer")
        expect(visitor.page.get_by_role("button", name="退出")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/sign-in", "/board", "/docs", "/problems/stale-version"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_grave(examined: Visitor, path: str, language: str) -> None:
    examined.open(f"{path}?lang={language}")
    assert examined.grave_faults() == []
