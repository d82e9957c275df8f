"""Orders by the file: what a spreadsheet calls the fields of an order, and how its rows become orders."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.importing import Importer, imports_table
from chassis.problems import Problem
from chassis.sheets import Sheet
from services.matching.orders import service
from services.matching.orders.models import Order
from services.matching.orders.schemas import NewOrder
from services.matching.orders.service import Row, Wish
from services.matching.tables import Base

HEADINGS = {
    "农产品": "produce",
    "品名": "produce",
    "农产品代号": "produce",
    "最低等级": "min_grade",
    "数量(公斤)": "quantity_kg",
    "最低成交量(公斤)": "min_fill_kg",
    "上限价(分/公斤)": "max_price_fen_per_kg",
    "计价方式": "price_basis",
    "种类": "kind",
    "送达地": "destination.adcode",
    "送达地区划代码": "destination.adcode",
    "经度": "destination.lon",
    "纬度": "destination.lat",
    "坐标系": "destination.crs",
    "最早送达": "deliver_from",
    "最晚送达": "deliver_by",
    "剩余保质(小时)": "min_remaining_life_h",
    "供应信息": "listing_id",
    "自动同意": "auto_agree",
    "编号": "reference",
}
"""The words of the surface's document; see those of listings on units."""


async def _keep(
    session: WriteSession, caller: Caller, rows: Sequence[tuple[UUID, NewOrder]], now: datetime
) -> list[Row | Problem]:
    return await service.ask(session, [Wish(row_id, caller, new) for row_id, new in rows], now)


IMPORTS = imports_table(Base.metadata)
IMPORTER = Importer(IMPORTS, Order.__table__, Sheet(NewOrder, HEADINGS), _keep)
