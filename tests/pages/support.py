"""A person at a browser: Debian's Chromium, what it complains of, and what axe finds on a page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from contracts.accounts import Role
from gateway.pages.assets import MODULES

AXE = MODULES / "axe-core/axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 900}}
GRAVE = {"serious", "critical"}
ACCOUNTS: dict[Role, str] = {
    "producer": "Siyang strawberries",
    "agent": "Village agent",
    "platform": "Nanjing Fresh",
    "group_leader": "Gate 7",
    "citizen": "Citizen",
    "carrier": "Sufeng",
    "programme_officer": "Officer",
    "auditor": "Auditor",
    "supervisor": "Supervisor",
    "admin": "Operator",
}


@dataclass
class Visitor:
    """Somebody at a page, and whatever the browser complained of meanwhile."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def follow(self, selector: str) -> None:
        """Go where the first link that it finds leads."""
        address = self.page.locator(selector).first.get_attribute("href")
        assert address is not None
        self.open(address)

    def be(self, role: Role) -> None:
        """Sign in with one click as the demonstration's account of that role."""
        self.open("/sign-in")
        self.click_guest(role)
        self.page.wait_for_url(lambda address: "/sign-in" not in address)

    def click_guest(self, role: Role) -> None:
        """The button of that role's account, wherever the demonstration's are shown."""
        self.page.locator(f'form[action="/sign-in/guest"]:has(input[value="{role}"]) button').click()

    def grave_faults(self) -> list[str]:
        """What axe calls serious or critical on this page. The visitor must have come with `bypass_csp`."""
        self.page.add_script_tag(path=AXE)
        found: Any = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {node['html']} ({node['failureSummary']})"
            for each in found["violations"]
            if each["impact"] in GRAVE
            for node in each["nodes"]
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Where there is none, the test is skipped and says so; in CI that is a failure."""
    path = shutil.which("chromium")
    missing = "Chromium is missing (`make browser` installs Debian's)." if path is None else ""
    if not AXE.exists():
        missing = "What npm brings to the pages is missing (`make setup` with npm on the PATH)."
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, url: str, **kind: Any) -> Iterator[Visitor]:
    """A visitor with a browser profile of their own. `kind` is what Playwright calls the options of a context."""
    context = browser.new_context(**{"locale": "zh-CN", "timezone_id": "Asia/Shanghai", **kind})
    context.set_default_timeout(10_000)
    visitor = Visitor(context.new_page(), url)
    visitor.page.on("console", lambda said: visitor.complaints.append(said.text) if said.type == "error" else None)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    try:
        yield visitor
    finally:
        context.close()


def write_accounts(folder: Path) -> None:
    """The accounts that these tests sign in as, where standalone looks for those of the demonstration."""
    from duijie.demo.guests import write_guests

    write_guests(folder, ACCOUNTS)
