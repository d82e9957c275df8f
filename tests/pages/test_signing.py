"""Signing in with a key, in the browser: given by the operator, used by an officer, taken back."""

import json

from playwright.sync_api import Browser, expect

from tests.pages.support import DESK, Visitor, visiting
from tests.system.conftest import Standalone


def a_key(platform: Standalone, name: str) -> tuple[str, str]:
    """As an operator gives one to a programme officer."""
    made = platform.run("client", "create", "--role", "programme_officer", "--name", name, "--json")
    told = json.loads(made.stdout)
    return told["client_id"], told["client_secret"]


def fill(visitor: Visitor, client_id: str, secret: str) -> None:
    visitor.page.get_by_label("client_id").fill(client_id)
    visitor.page.get_by_label("client_secret").fill(secret)
    visitor.page.get_by_role("button", name="登录").click()


def test_an_officer_signs_in_with_her_key_and_is_out_once_it_is_revoked(desk: Visitor, platform: Standalone) -> None:
    client_id, secret = a_key(platform, "钥匙经办")
    desk.open("/programmes")
    desk.page.get_by_role("link", name="用密钥登录").click()
    fill(desk, client_id, f"{secret}x")
    expect(desk.page.get_by_role("alert")).to_contain_text("client_id 或 client_secret 不正确。")
    expect(desk.page.get_by_label("client_id")).to_have_value(client_id)
    expect(desk.page.get_by_label("client_secret")).to_have_value("")
    fill(desk, client_id, secret)
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("补贴项目")
    assert desk.page.url == f"{desk.url}/programmes"
    desk.open("/account")
    expect(desk.page.get_by_text(client_id)).to_be_visible()
    platform.run("client", "revoke", client_id)
    desk.open("/programmes")
    assert "/sign-in?next=" in desk.page.url
    expect(desk.page.get_by_role("link", name="用密钥登录")).to_be_visible()
    desk.complaints.clear()  # the browser tells the 401 of the wrong secret on its console


def test_a_key_needs_no_javascript(browser: Browser, platform: Standalone) -> None:
    client_id, secret = a_key(platform, "无脚本经办")
    with visiting(browser, platform.url, java_script_enabled=False, **DESK) as visitor:
        visitor.open("/sign-in/key")
        fill(visitor, client_id, secret)
        expect(visitor.page.get_by_role("button", name="退出")).to_be_visible()
        assert visitor.page.url == f"{visitor.url}/programmes"
        assert visitor.complaints == []


def test_axe_finds_nothing_grave_on_the_form_of_a_key(examined: Visitor) -> None:
    for language in ("zh-CN", "en"):
        examined.open(f"/sign-in/key?lang={language}")
        assert examined.grave_faults() == []
