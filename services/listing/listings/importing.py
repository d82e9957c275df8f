"""Listings by the file: what a spreadsheet calls the fields of a lot, and how its rows become listings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.importing import Importer, imports_table
from chassis.problems import Problem
from chassis.sheets import Sheet
from services.listing.listings import service
from services.listing.listings.models import Listing
from services.listing.listings.schemas import NewListing
from services.listing.listings.service import Offer, Row
from services.listing.tables import Base

HEADINGS = {
    "生产者": "producer_id",
    "农产品": "produce",
    "品名": "produce",
    "农产品代号": "produce",
    "品种": "variety",
    "等级": "grade",
    "数量(公斤)": "quantity_kg",
    "底价(分/公斤)": "min_price_fen_per_kg",
    "产地": "origin.adcode",
    "产地区划代码": "origin.adcode",
    "区划代码": "origin.adcode",
    "村": "origin.village",
    "经度": "origin.lon",
    "纬度": "origin.lat",
    "坐标系": "origin.crs",
    "采收时间": "harvested_at",
    "最佳食用期限": "best_before",
    "何时起可提": "available_from",
    "可提至何时": "available_until",
    "温层": "temperature_class",
    "惠及户数": "households",
    "货批的故事": "story",
    "可否拆分": "divisible",
    "自动同意": "auto_agree",
}
"""The words of the surface's document. A quantity or a price without its unit is no heading: half the country weighs
in half kilograms, and most prices are written in yuan."""


async def _keep(
    session: WriteSession, caller: Caller, rows: Sequence[tuple[UUID, NewListing]], now: datetime
) -> list[Row | Problem]:
    return await service.offer(session, [Offer(row_id, caller, new) for row_id, new in rows], now)


IMPORTS = imports_table(Base.metadata)
IMPORTER = Importer(IMPORTS, Listing.__table__, Sheet(NewListing, HEADINGS), _keep)
