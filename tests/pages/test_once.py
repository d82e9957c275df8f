"""A form that is being sent is not sent again by a second tap, and can be once there is reason to."""

from datetime import UTC, datetime
from uuid import uuid4

from playwright.sync_api import Page, Request, expect

from tests.pages.farming import forget_the_signal, ready_for_no_signal
from tests.pages.support import Visitor
from tests.system.conftest import Standalone

TWO_TAPS = "form => { form.requestSubmit(); form.requestSubmit(); }"


def sent(page: Page, path: str) -> list[str]:
    """Whatever is posted there from now on."""
    posted: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith(path):
            posted.append(request.post_data or "")

    page.on("request", note)
    return posted


def test_two_taps_spend_a_code_once(phone: Visitor, platform: Standalone) -> None:
    number = f"137{uuid4().int % 10**8:08}"
    phone.open("/sign-in")
    phone.page.locator("#phone").fill(number)
    phone.page.get_by_role("button", name="发送验证码").click()
    phone.page.locator("#code").fill(platform.next_code(number))
    posted = sent(phone.page, "/sign-in/code")
    phone.page.locator('form[action="/sign-in/code"]').evaluate(TWO_TAPS)
    expect(phone.page.get_by_role("button", name="退出")).to_be_visible()
    assert len(posted) == 1


def test_a_form_whose_sending_was_stopped_can_be_sent_again_in_a_while(phone: Visitor) -> None:
    phone.page.clock.install(time=datetime.now(UTC))
    phone.open("/sign-in")
    phone.page.locator("#phone").fill("13700000000")
    posted = sent(phone.page, "/sign-in")
    phone.page.route("**/sign-in", lambda route: route.fulfill(status=204))  # as when it is stopped, the page stays
    form = phone.page.locator('form[action="/sign-in"]')
    for _ in range(2):
        with phone.page.expect_request("**/sign-in"):
            form.evaluate(TWO_TAPS)
        phone.page.clock.fast_forward(11_000)
    assert len(posted) == 2


def test_a_note_can_be_closed_as_often_as_it_comes(phone: Visitor) -> None:
    ready_for_no_signal(phone)
    phone.page.context.set_offline(True)
    for _ in range(2):
        phone.page.get_by_role("button", name="退出").click()
        expect(phone.page.locator("#not-left")).to_be_visible()
        phone.page.get_by_role("button", name="知道了").click()
        expect(phone.page.locator("#not-left")).to_be_hidden()
    forget_the_signal(phone)


def test_what_has_the_focus_is_not_hidden_by_the_ways_at_the_foot_of_a_phone(phone: Visitor) -> None:
    phone.be("producer")
    phone.open("/farm/new")
    foot = phone.page.locator("nav.ways").bounding_box()
    assert foot is not None
    phone.page.locator("#produce").focus()
    for _ in range(40):
        phone.page.keyboard.press("Tab")
        box = phone.page.evaluate(
            "(({ top, bottom }) => [top, bottom])(document.activeElement.getBoundingClientRect())"
        )
        inside = phone.page.evaluate("document.activeElement.closest('main') !== null")
        assert not inside or box[1] <= foot["y"] + 1 or box[1] - box[0] > foot["y"], phone.page.evaluate(
            "document.activeElement.outerHTML"
        )
