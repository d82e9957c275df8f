"""From wrong lines to money that is claimed back, in the browser: what one officer asks for and another decides."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from playwright.sync_api import FilePayload, expect

from tests.pages.support import Visitor
from tests.pages.world import agreed, by, delivered, programme, shipment_of
from tests.system.conftest import Standalone, until

PRODUCE = "kohlrabi"


def test_a_wrong_line_is_corrected_by_two_the_rest_paid_compared_with_the_bank_and_claimed_back(
    desk: Visitor, platform: Standalone
) -> None:
    page, fund = desk.page, _owing_six_yuan(platform)
    desk.be("programme_officer")
    desk.open(f"/programmes/{fund}")
    page.get_by_role("button", name="冻结结算单").click()
    page.wait_for_url("**/programmes/settlements/*")
    wrong, right, _ = page.locator("h2:has-text('明细') + table tbody td:first-child").all_inner_texts()
    page.locator("summary", has_text="要求更正").click()
    page.get_by_label("有误的面单号").fill(f"{wrong}\nNOBODYS")
    page.get_by_label("原因").fill("查无此人")
    page.get_by_role("button", name="要求更正").click()
    expect(page.locator("#wrong-fault")).to_have_text("NOBODYS：结算单中没有它，或已不再应付。")
    desk.complaints.clear()  # the browser tells a 422 on its console
    page.get_by_label("有误的面单号").fill(wrong)
    page.get_by_role("button", name="要求更正").click()
    expect(page.get_by_text("这是您自己要求的")).to_be_visible()
    expect(page.get_by_text("有更正待另一名经办决定，现在不能拨付。")).to_be_visible()
    _another_approves(platform, page.url.rpartition("/")[2])
    page.reload()
    expect(page.get_by_text("请转账 4.00 元：现应付 4.00 元")).to_be_visible()
    page.get_by_label("银行凭证号").fill("B-KOHLRABI")
    page.get_by_role("button", name="拨付").click()
    expect(page.locator("dd", has_text="4.00")).to_have_count(2)  # owed, and transferred
    _adds_up(desk)
    desk.open("/programmes/bank")
    listed = "流水号,金额\nB-KOHLRABI,4.00\nX,1\n".encode("gb18030")
    bank = FilePayload(name="bank.csv", mimeType="text/csv", buffer=listed)
    page.get_by_label("银行流水").set_input_files(files=[bank])
    page.get_by_role("button", name="核对").click()
    expect(page.locator(".note")).to_contain_text("相符 1 · 4.00 元")
    desk.open(f"/programmes/{fund}/clawbacks")
    page.get_by_label("有误的面单号").fill(right)
    page.get_by_label("依据").fill("收件人称未收到")
    page.get_by_role("button", name="发出通知").click()
    expect(page.get_by_text("这是您自己发起的，须由另一名经办决定；您可以撤回。")).to_be_visible()
    page.get_by_role("button", name="撤回").click()
    expect(page.get_by_text("已撤销")).to_be_visible()


def _owing_six_yuan(platform: Standalone) -> str:
    """The id of a programme that owes three parcels of one carrier; nobody else is paid by it."""
    soon = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    fund = programme(platform, "更正演示", ends_at=soon, eligibility={"produce": [PRODUCE]})
    match = agreed(platform, PRODUCE)
    with by(platform, "carrier") as carrier:
        assert carrier.post(f"/v1/shipments/{shipment_of(platform, match)}/claim").status_code == 200
    delivered(platform, match, 3)
    with by(platform, "programme_officer") as officer:
        until(lambda: officer.get(f"/v1/programmes/{fund['id']}").json()["posted_fen"] == 600, 20)
    return str(fund["id"])


def _another_approves(platform: Standalone, settlement_id: str) -> None:
    with by(platform, "programme_officer", "Another officer") as other:
        path = f"/v1/settlements/{settlement_id}/corrections"
        (asked,) = other.get(path).json()["items"]
        decided = other.post(f"{path}/{asked['id']}/decision", json={"decision": "approve"})
        assert (decided.status_code, decided.json()["amount_fen"]) == (200, 200)


def _adds_up(desk: Visitor) -> None:
    """The CSV for people: every line is as it was frozen, and what was paid of them is told apart."""
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("link", name="下载 CSV").click()
    with saved.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    begins = rows.index([])
    head, lines, totals = dict(rows[:begins]), rows[begins + 2 : -2], rows[-2:]
    assert sum(Decimal(line[3]) for line in lines) == Decimal(head["金额（元）"]) == 6
    assert [(total[0], Decimal(total[3]), total[5]) for total in totals] == [
        ("合计", 4, "已拨付"),
        ("合计", 2, "已冲正"),
    ]
    assert Decimal(head["实付（元）"]) == 4
    assert sorted(line[5] for line in lines) == ["已冲正", "已拨付", "已拨付"]
