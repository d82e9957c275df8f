"""The pages of a whole platform (`duijie up`) in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.pages.support import DESK, PHONE, Visitor, chromium, visiting, write_accounts
from tests.support.postgres import temporary_folder
from tests.system.conftest import Standalone

expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a file: while it is there this thread has its event loop, and no asynchronous test can have its own."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def platform() -> Iterator[Standalone]:
    """One for all tests: each takes produce, or accounts, of its own."""
    with temporary_folder() as folder:
        platform = Standalone(folder / "data")
        platform.start()
        write_accounts(platform.folder)
        try:
            yield platform
        finally:
            platform.stop()


@pytest.fixture
def phone(browser: Browser, platform: Standalone) -> Iterator[Visitor]:
    """A person with a phone. What the browser complained of fails the test."""
    with visiting(browser, platform.url, **PHONE) as visitor:
        yield visitor
        assert visitor.complaints == []


@pytest.fixture
def desk(browser: Browser, platform: Standalone) -> Iterator[Visitor]:
    """A person at a desk; the same."""
    with visiting(browser, platform.url, **DESK) as visitor:
        yield visitor
        assert visitor.complaints == []


@pytest.fixture
def examined(browser: Browser, platform: Standalone) -> Iterator[Visitor]:
    """A page into which axe may be put, which the content security policy would refuse."""
    with visiting(browser, platform.url, bypass_csp=True, **PHONE) as visitor:
        yield visitor
