"""A statement as a file for people: in their language, in yuan and China's time, with the payee's name."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from catalogue.days import CHINA, span_of
from chassis.db import Database
from chassis.problems import Language, Text
from services.logistics.settlements import tables
from services.logistics.settlements.models import Due, Settlement, Status
from services.logistics.settlements.queries import Line, LineState, pages_of
from services.logistics.settlements.sheets import Head

HEAD_SHEET: Final = Text("结算单", "Statement")
LINES_SHEET: Final = Text("明细", "Lines")
COLUMNS: Final = (
    Text("面单号", "Waybill"),
    Text("匹配编号", "Match"),
    Text("记账时间（北京时间）", "Posted at (China's time)"),
    Text("金额（元）", "Amount (CNY)"),
    Text("版本", "Version"),
    Text("状态", "State"),
)
AMOUNT: Final = 3
WIDTHS: Final = (24, 40, 22, 14, 10, 14)
HEAD_WIDTHS: Final = (24, 44)
TOTAL: Final = Text("合计", "Total")
STATES: Final[Mapping[LineState, Text]] = {
    "owed": Text("应付", "owed"),
    "paid": Text("已拨付", "paid"),
    "reversed": Text("已冲正", "reversed"),
    "came_back": Text("拨付后退回", "came back"),
}
"""Of lines, in the order of their totals."""
STATUSES: Final[Mapping[Status, Text]] = {
    "frozen": Text("待拨付", "to be paid"),
    "paid": Text("已拨付", "paid"),
}


@dataclass(frozen=True, slots=True)
class Readable:
    """What its reader is told above the lines: what is `due` too, until it is paid. `payee` is the name that who asks
    gave; "" leaves it out."""

    head: Head
    due: Due | None
    language: Language
    payee: str

    def as_csv(self, db: Database) -> AsyncIterator[bytes]:
        """The head, an empty line, then the lines and what they come to."""
        return tables.as_csv([*self.rows(), (), self._columns()], self._lines(db))

    def as_xlsx(self, db: Database) -> AsyncIterator[bytes]:
        """The head on a sheet of its own."""
        names = (self._said(HEAD_SHEET), self.rows(), self._said(LINES_SHEET), self._columns())
        return tables.as_xlsx(tables.Sheets(*names, widths=WIDTHS, head_widths=HEAD_WIDTHS), self._lines(db))

    def rows(self) -> list[tuple[str, tables.Cell]]:
        """What it is about; of what is not known, or was not paid yet, nothing."""
        settlement = self.head.settlement
        told: list[tuple[Text, tables.Cell | None]] = [
            (Text("结算单号", "Statement no."), str(settlement.id)),
            (Text("补贴项目", "Programme"), self.head.programme),
            (Text("出资方", "Funder"), self.head.funder),
            (Text("收款方", "Payee"), self.payee or None),
            (Text("收款方标识", "Payee's id"), str(settlement.payee_id)),
            (Text("期间", "Period"), span_of(settlement.begins_at, settlement.ends_at)),
            (Text("冻结时间（北京时间）", "Frozen at (China's time)"), _clock(settlement.frozen_at)),
            (Text("笔数", "Lines"), settlement.lines),
            (Text("金额（元）", "Amount (CNY)"), _yuan(settlement.amount_fen)),
            (Text("状态", "State"), self._said(STATUSES[settlement.status])),
            *_payment(settlement, self.due),
        ]
        return [(self._said(label), value) for label, value in told if value is not None]

    def cells(self, line: Line) -> tables.Row:
        """Of one line, as `COLUMNS` names them."""
        amount, state = _yuan(line.amount_fen), self._said(STATES[line.state])
        return line.waybill or "", str(line.match_id), _clock(line.posted_at), amount, line.rule_version, state

    def totals(self, fen: Mapping[LineState, int]) -> list[tables.Row]:
        """Of each state that there is: what is reversed, or came back, is never added to what is owed."""
        total, blank = self._said(TOTAL), [""] * (AMOUNT - 1)
        states = {state: self._said(text) for state, text in STATES.items() if state in fen}
        return [(total, *blank, _yuan(fen[state]), "", text) for state, text in states.items()]

    async def _lines(self, db: Database) -> tables.Pages:
        fen: Counter[LineState] = Counter()
        async for page in pages_of(db, self.head.settlement.id):
            for line in page:
                fen[line.state] += line.amount_fen
            yield map(self.cells, page)
        yield self.totals(fen)

    def _columns(self) -> Sequence[str]:
        return [self._said(each) for each in COLUMNS]

    def _said(self, text: Text) -> str:
        return text.in_language(self.language)


def _payment(settlement: Settlement, due: Due | None) -> list[tuple[Text, tables.Cell | None]]:
    paid_at, owed_fen = settlement.paid_at, settlement.owed_fen if due is None else due.owed_fen
    reversed_fen = None if owed_fen is None else settlement.amount_fen - owed_fen
    return [
        (Text("银行凭证号", "Reference of the bank"), settlement.reference),
        (Text("拨付时间（北京时间）", "Paid at (China's time)"), None if paid_at is None else _clock(paid_at)),
        (Text("已冲正，不付（元）", "Reversed, not paid (CNY)"), _yuan_if_any(reversed_fen)),
        *([] if due is None else _due(due)),
        (Text("拨付时应付（元）", "Owed when paid (CNY)"), _yuan_if_any(settlement.owed_fen)),
        (Text("抵扣追回（元）", "Kept for clawbacks (CNY)"), _yuan_if_any(settlement.recovered_fen)),
        (Text("实付（元）", "Transferred (CNY)"), _yuan_if_any(settlement.paid_fen)),
    ]


def _due(due: Due) -> list[tuple[Text, tables.Cell | None]]:
    return [
        (Text("现应付（元）", "Owed now (CNY)"), _yuan(due.owed_fen)),
        (Text("其中抵扣追回（元）", "Kept of it for clawbacks (CNY)"), _yuan(due.recovered_fen)),
        (Text("应转账（元）", "To transfer (CNY)"), _yuan(due.paid_fen)),
    ]


def _yuan(fen: int) -> Decimal:
    """Exact, with two decimals."""
    return Decimal(fen).scaleb(-2)


def _yuan_if_any(fen: int | None) -> Decimal | None:
    return None if fen is None else _yuan(fen)


def _clock(instant: datetime) -> str:
    return instant.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
