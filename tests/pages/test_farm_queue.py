"""What waits on a farmer's phone: sent once, never after it was dropped, and the phone says why it is not sent yet."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from tests.pages.farming import WHERE_A_LOT_IS, farmer, fill, lots_of, post, waiting
from tests.pages.support import PHONE, Visitor, visiting
from tests.system.conftest import Standalone

__all__ = ["farmer"]

TO_SIGN_IN = "/sign-in?next=%2Ffarm"
MADE = str(UUID(int=7))
NO_TIMEOUT = "delete AbortSignal.timeout"
STORAGE = """navigator.storage.persist = async () => {
  localStorage.asked = Number(localStorage.asked || 0) + 1;
  return %s;
};"""


@pytest.fixture
def visitor(browser: Browser, platform: Standalone) -> Iterator[Visitor]:
    """At the form of a new lot; without the service worker, whose own tries no route sees."""
    with visiting(browser, platform.url, service_workers="block", **PHONE) as visitor:
        visitor.be("producer")
        visitor.open("/farm/new")
        yield visitor


class Line:
    """What becomes of whatever the phone's queue posts: held until it is answered."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.held: list[Route] = []
        visitor.page.context.route("**/farm/queue**", self._take)

    def _take(self, route: Route) -> None:
        if route.request.method == "POST":
            self.held.append(route)
        else:
            route.continue_()

    def next(self, count: int = 1) -> Route:
        """The latest of so many posts that have come."""
        for _ in range(200):
            if len(self.held) >= count:
                return self.held[count - 1]
            self._visitor.page.wait_for_timeout(50)
        raise AssertionError(f"{len(self.held)} of {count} posts came")


def keep(visitor: Visitor, key: str, *, photo: bool = False, **changes: Any) -> None:
    """A lot in the queue, of whom is signed in."""
    lot = {"key": key, "state": "waiting", "fields": {"produce": "x"}, "filled_ms": 1, **changes}
    visitor.page.evaluate(
        """async ([lot, hasPhoto]) => {
            const account = document.getElementById("leave").dataset.account;
            await duijieQueue.put({ account, photo: hasPhoto ? new Blob(["x"]) : null, ...lot });
        }""",
        [lot, photo],
    )


def send(visitor: Visitor) -> Callable[[], Any]:
    """Begin to send; what comes of it is told once it is asked for."""
    visitor.page.evaluate("() => { globalThis.sending = duijieQueue.send(); }")
    return lambda: visitor.page.evaluate("sending")


def states(visitor: Visitor) -> dict[str, str]:
    lots = visitor.page.evaluate("duijieQueue.all()")
    return {lot["key"]: lot["state"] for lot in lots}


def test_a_lot_that_is_dropped_while_another_is_on_its_way_is_never_sent(visitor: Visitor) -> None:
    line = Line(visitor)
    keep(visitor, "a")
    keep(visitor, "b", filled_ms=2)
    outcome = send(visitor)
    first = line.next()
    assert visitor.page.evaluate("duijieQueue.drop('b')") is True
    visitor.page.evaluate("() => { globalThis.dropping = duijieQueue.drop('a'); }")
    first.fulfill(status=201, json={"id": MADE})
    assert outcome()["sent"] == {"a": MADE}
    assert visitor.page.evaluate("dropping") is False, "it was on its way, and has arrived"
    assert (len(line.held), states(visitor)) == (1, {})


@pytest.mark.parametrize("answer", [{"status": 201, "json": {"id": MADE}}, {"status": 422, "json": {"title": "T"}}])
def test_what_is_forgotten_while_it_is_on_its_way_does_not_come_back(visitor: Visitor, answer: dict[str, Any]) -> None:
    line = Line(visitor)
    keep(visitor, "a", photo=True)
    outcome = send(visitor)
    on_its_way = line.next()
    visitor.page.evaluate("duijieQueue.forget(document.getElementById('leave').dataset.account)")
    on_its_way.fulfill(**answer)
    outcome()
    assert (len(line.held), states(visitor)) == (1, {})


@pytest.mark.parametrize(
    ("problem", "state"),
    [("still-running", "photo"), ("filled-by-another-account", "photo"), ("too-many-photos", "photo-refused")],
)
def test_a_photo_is_refused_by_what_the_problem_is_and_not_by_its_status(
    visitor: Visitor, problem: str, state: str
) -> None:
    line = Line(visitor)
    keep(visitor, "a", photo=True, state="photo", listing_id=MADE)
    outcome = send(visitor)
    line.next().fulfill(status=409, json={"type": f"/problems/{problem}", "title": "T"})
    outcome()
    assert states(visitor) == {"a": state}


def test_what_must_be_tried_again_is_known_whatever_became_of_the_last_one(visitor: Visitor) -> None:
    line = Line(visitor)
    keep(visitor, "a")
    keep(visitor, "b", filled_ms=2)
    outcome = send(visitor)
    line.next().fulfill(status=503, json={})
    line.next(2).fulfill(status=201, json={"id": MADE})
    told = outcome()
    assert (told["state"], told["isLater"]) == ("busy", True)
    assert told["states"] == {"a": "busy", "b": "sent"}


def test_phones_whose_browser_knows_no_timeouts_of_requests_send_all_the_same(visitor: Visitor) -> None:
    visitor.page.add_init_script(NO_TIMEOUT)
    visitor.open("/farm/new")
    line = Line(visitor)
    keep(visitor, "a")
    outcome = send(visitor)
    line.next().fulfill(status=201, json={"id": MADE})
    assert outcome()["state"] == "sent"


@pytest.mark.parametrize(
    ("answer", "said", "link"),
    [
        ({"status": 503, "json": {}}, "太忙", None),
        ({"status": 429, "json": {"type": "/problems/rate-limited"}}, "太忙", None),
        ({"status": 401, "json": {}}, "登录已经过期", TO_SIGN_IN),
        (
            {"status": 409, "json": {"type": "/problems/filled-by-another-account"}},
            "另一个账户",
            "/sign-in?next=%2Ffarm",
        ),
        (None, "现在没有信号", None),
    ],
)
def test_the_phone_says_why_a_lot_is_not_sent_yet(
    visitor: Visitor, answer: dict[str, Any] | None, said: str, link: str | None
) -> None:
    line = Line(visitor)
    fill(visitor.page, "胡萝卜")
    post(visitor.page)
    asked = line.next()
    asked.fulfill(**answer) if answer else asked.abort()
    shown = visitor.page.locator("#kept-waits p[data-state]:visible")
    expect(shown).to_contain_text(said)
    expect(shown).to_have_count(1)
    if link:
        expect(shown.locator("a")).to_have_attribute("href", link)


def test_over_a_slow_line_nobody_waits_and_the_lot_goes_on_its_way(visitor: Visitor, farmer: httpx.Client) -> None:
    line = Line(visitor)
    fill(visitor.page, "芹菜")
    post(visitor.page)
    asked = line.next()
    expect(visitor.page.locator("#kept")).to_contain_text("正在发送", timeout=5_000)
    expect(visitor.page.locator("#lot")).to_be_hidden()
    asked.continue_()
    visitor.page.wait_for_url(WHERE_A_LOT_IS)
    assert len(lots_of(farmer, "celery")) == 1


def test_what_is_refused_after_a_while_stands_in_the_form_again(visitor: Visitor) -> None:
    line = Line(visitor)
    fill(visitor.page, "洋葱")
    post(visitor.page)
    expect(visitor.page.locator("#kept")).to_be_visible()
    line.next().fulfill(status=422, json={"faults": {"quantity": "too much"}})
    expect(visitor.page.locator("#quantity-fault")).to_have_text("too much")
    expect(visitor.page.locator("#quantity")).to_be_visible()
    expect(visitor.page.locator("#kept")).to_be_hidden()


@pytest.mark.parametrize("promised", [True, False])
def test_the_browser_is_asked_once_to_keep_what_waits_and_its_refusal_is_told(visitor: Visitor, promised: bool) -> None:
    visitor.page.add_init_script(STORAGE % str(promised).lower())
    visitor.page.context.route("**/farm/queue", lambda route: route.abort())
    for _ in range(2):
        visitor.open("/farm/new")
        fill(visitor.page, "菠菜")
        post(visitor.page)
        expect(visitor.page.locator("#kept")).to_be_visible()
    assert visitor.page.evaluate("localStorage.asked") == "1"
    visitor.page.evaluate("localStorage.removeItem('duijie-asked-to-keep')")
    visitor.open("/farm/new")
    fill(visitor.page, "菠菜")
    post(visitor.page)
    expect(visitor.page.locator("#kept")).to_be_visible()
    expect(visitor.page.locator("#kept-unsafe")).to_be_visible(visible=not promised)


def test_a_lot_that_is_dropped_too_late_is_shown_as_being_sent(visitor: Visitor) -> None:
    line = Line(visitor)
    keep(visitor, "a")
    visitor.open("/farm")  # which sends by itself
    asked = line.next()
    waiting(visitor).locator(".drop").click()
    expect(waiting(visitor)).to_contain_text("正在发送")
    asked.fulfill(status=201, json={"id": MADE})
    expect(waiting(visitor)).to_have_count(0)


def test_a_lot_that_another_tab_was_sooner_to_send_leads_to_its_page_all_the_same(visitor: Visitor) -> None:
    line = Line(visitor)
    fill(visitor.page, "芋头")
    visitor.page.evaluate(
        """() => {
            const { put } = duijieQueue;
            duijieQueue.put = async (lot) => { await put(lot); globalThis.sooner = duijieQueue.send(); };
        }"""
    )
    post(visitor.page)
    line.next().continue_()
    visitor.page.wait_for_url(WHERE_A_LOT_IS)
    assert len(line.held) == 1


def test_what_was_read_sooner_of_the_queue_is_not_shown_later(visitor: Visitor) -> None:
    visitor.page.context.route("**/farm/queue", lambda route: route.abort())
    visitor.open("/farm")
    visitor.page.evaluate(
        """async () => {
            globalThis.stayed = true;
            const { all } = duijieQueue, old = await all();
            let asked = 0;
            const late = new Promise((resolve) => { globalThis.letGo = () => resolve(old); });
            duijieQueue.all = () => (asked++ ? all() : late);
        }"""
    )
    keep(visitor, "a")
    keep(visitor, "b", filled_ms=2)
    visitor.page.wait_for_timeout(500)
    visitor.page.evaluate("letGo()")
    visitor.page.wait_for_timeout(500)
    expect(waiting(visitor)).to_have_count(2)
    assert visitor.page.evaluate("globalThis.stayed === true"), "nothing was taken for sent"


def test_who_has_lots_on_the_phone_is_not_told_that_there_are_none_and_tries_what_can_be_tried(
    visitor: Visitor, platform: Standalone
) -> None:
    number = f"136{uuid4().int % 10**8:08}"
    visitor.open("/sign-in?next=/farm")
    visitor.page.locator("#phone").fill(number)
    visitor.page.get_by_role("button", name="发送验证码").click()
    visitor.page.locator("#code").fill(platform.next_code(number))
    visitor.page.get_by_role("button", name="登录", exact=True).click()
    nothing = visitor.page.get_by_text("您还没有发布过")
    expect(nothing).to_be_visible()
    visitor.page.context.route("**/farm/queue", lambda route: route.abort())
    keep(visitor, "a")
    expect(waiting(visitor)).to_have_count(1)
    expect(nothing).to_be_hidden()
    expect(visitor.page.locator("#try-now")).to_be_visible()
    keep(visitor, "a", state="refused", problem="no")
    expect(waiting(visitor)).to_contain_text("需要修改")
    expect(visitor.page.locator("#try-now")).to_be_hidden()


def test_nobody_is_told_to_try_again_what_waits_for_another_account_or_a_sign_in(visitor: Visitor) -> None:
    visitor.page.context.route("**/farm/queue", lambda route: route.fulfill(json={"account": None, "now": None}))
    visitor.open("/farm")
    again = visitor.page.locator("#try-now")
    keep(visitor, "theirs", account=str(uuid4()))
    expect(visitor.page.locator("#waiting-others")).to_be_visible()
    expect(again).to_be_hidden()
    keep(visitor, "mine")
    expect(again).to_be_visible()
    again.click()
    expect(waiting(visitor).locator(".enter")).to_be_visible()
    expect(again).to_be_hidden()
