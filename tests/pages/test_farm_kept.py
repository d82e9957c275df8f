"""What the service worker keeps of a farmer's pages: theirs alone, and shown when nothing better comes."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.farming import forget_the_signal, is_kept, ready_for_no_signal
from tests.pages.support import Visitor
from tests.system.conftest import until

SHELL = ["/farm", "/farm/new"]
NO_SIGNAL = "/farm/no-signal"
MARK = """async ([path, text]) => (await caches.open("duijie-pages")).put(path, new Response(text))"""
TEXT = "async (path) => (await caches.match(path)).text()"


def mark(visitor: Visitor, path: str, text: str) -> None:
    """What is kept of that page is this, also once the worker has put away what it was still reading."""

    def stays() -> bool:
        visitor.page.evaluate(MARK, [path, text])
        visitor.page.wait_for_timeout(500)
        return bool(visitor.page.evaluate(TEXT, path) == text)

    until(stays, 20)


def in_the_worker(visitor: Visitor, script: str) -> Any:
    (worker,) = visitor.page.context.service_workers
    return worker.evaluate(script)


@pytest.mark.parametrize("path", ["/board", "/sign-in", "/farm/new"])
def test_what_is_kept_goes_with_the_session_wherever_its_end_is_seen(phone: Visitor, path: str) -> None:
    ready_for_no_signal(phone)
    phone.page.context.clear_cookies()
    phone.open(path)
    until(lambda: not is_kept(phone, "/farm"), 10)
    assert not is_kept(phone, "/farm/new")


def test_what_is_kept_goes_when_somebody_else_signs_in_anywhere(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    phone.page.context.clear_cookies()
    token = in_the_worker(phone, "caches.match('/duijie-reader').then((kept) => kept.text())")
    phone.be("citizen")
    phone.open("/orders")
    until(lambda: not is_kept(phone, *SHELL), 10)
    phone.be("agent")
    phone.open("/farm")
    until(lambda: is_kept(phone, *SHELL), 10)
    whose = phone.page.evaluate(TEXT, "/duijie-reader")
    assert whose != token
    assert whose == phone.page.locator("#leave").get_attribute("data-account")


def test_a_page_that_is_asked_for_while_the_others_are_forgotten_is_not_kept(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    in_the_worker(
        phone,
        """async () => {
            const answer = await fetch("/farm"), held = self.fetch;
            self.fetch = () => new Promise((resolve) => { self.answer = () => resolve(answer); });
            await caches.delete("duijie-pages");
            self.keeping = keepAll("somebody", ["/farm"]);
            await new Promise((resolve) => setTimeout(resolve, 200));
            await caches.delete("duijie-pages");
            self.answer();
            await self.keeping;
            self.fetch = held;
        }""",
    )
    assert not is_kept(phone, "/farm")


def test_older_lots_are_not_kept_as_my_lots(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    mark(phone, "/farm", "my lots")
    phone.open("/farm?after=01a22b15-5669-7682-bd47-b95a09ae13ae")
    phone.page.wait_for_timeout(500)
    assert phone.page.evaluate(TEXT, "/farm") == "my lots"
    phone.page.context.set_offline(True)
    phone.open("/farm?after=01a22b15-5669-7682-bd47-b95a09ae13ae")
    assert phone.page.url.endswith("/farm")
    expect(phone.page.locator("body")).to_have_text("my lots")
    forget_the_signal(phone)


@pytest.mark.parametrize("path", SHELL)
def test_a_service_that_can_not_answer_is_no_reason_to_show_nothing(phone: Visitor, path: str) -> None:
    ready_for_no_signal(phone)
    in_the_worker(phone, "() => { self.fetch = async () => new Response('', { status: 503 }); }")
    phone.open(path)
    expect(phone.page.get_by_role("link", name="我的供应")).to_be_visible()
    if path == "/farm":
        expect(phone.page.locator("#last-seen")).to_be_visible()
    forget_the_signal(phone)


def test_after_an_upgrade_the_kept_pages_are_those_of_today(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    phone.page.evaluate("navigator.serviceWorker.getRegistration().then((found) => found.unregister())")
    mark(phone, "/farm/new", '<script src="/static/farm/post.js?v=old">')
    phone.page.evaluate("caches.open('duijie-files-old')")
    phone.open("/board")
    phone.open("/account")  # any page of a farmer installs the worker
    until(lambda: "post.js?v=old" not in phone.page.evaluate(TEXT, "/farm/new"), 10)
    until(lambda: not phone.page.evaluate("caches.has('duijie-files-old')"), 5)
    assert 'id="lot"' in phone.page.evaluate(TEXT, "/farm/new")


def test_an_upgrade_that_can_not_ask_keeps_the_page_with_the_files_that_it_names(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    mark(phone, "/farm/new", "old")
    phone.page.evaluate("caches.open('duijie-files-old')")
    in_the_worker(phone, "() => { self.fetch = async () => new Response('', { status: 503 }); return clean(); }")
    assert phone.page.evaluate(TEXT, "/farm/new") == "old"
    assert phone.page.evaluate("caches.has('duijie-files-old')") is True


def test_covers_do_not_fill_the_phone(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    kept = in_the_worker(
        phone,
        """async () => {
            const cache = await caches.open("duijie-pages"), answer = await fetch("/static/leaf.svg");
            const photo = (at) => `/farm/listings/${at}/photos/1?size=thumbnail`;
            for (let at = 0; at < 70; at++) await keep(cache, photo(at), answer.clone());
            return (await cache.keys()).map(({ url }) => addressOf(new URL(url)));
        }""",
    )
    covers = [each for each in kept if each.endswith("thumbnail")]
    assert (len(covers), covers[-1]) == (60, "/farm/listings/69/photos/1?size=thumbnail")
    assert set(SHELL) < set(kept)


def test_a_page_that_is_not_kept_says_so_without_a_signal_and_is_there_again_with_one(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    until(lambda: is_kept(phone, NO_SIGNAL), 10)
    phone.page.context.set_offline(True)
    phone.open("/board")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("没有信号")
    phone.page.get_by_role("main").get_by_role("link", name="我的供应").click()
    expect(phone.page.locator("#last-seen")).to_be_visible()
    phone.open("/board")
    phone.page.context.set_offline(False)
    phone.page.get_by_role("link", name="再试一次").click()
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("公益供应榜")
    assert phone.page.url == f"{phone.url}/board"
    forget_the_signal(phone)


def test_what_is_kept_is_in_the_language_that_its_reader_chose_last(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    until(lambda: is_kept(phone, NO_SIGNAL), 10)
    phone.open("/account?lang=en")
    until(lambda: "<h1>No signal</h1>" in phone.page.evaluate(TEXT, NO_SIGNAL), 10)
    assert '<html lang="en">' in phone.page.evaluate(TEXT, "/farm/new")
