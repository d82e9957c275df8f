"""What rounds may still match, and the markets that have some of it on both sides."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select

from services.matching.orders.models import ERASED, Order
from services.matching.supply.models import Supply


def _is_somebodys(account_id: Any) -> ColumnElement[bool]:
    """Whether the account is not erased: what it offers or wants stays open until the withdrawal, or the job, comes."""
    return ~exists().where(ERASED.table.c.account_id == account_id)


LOT, BID = Supply.__table__.c, Order.__table__.c
IS_SOMEBODYS_LOT, IS_SOMEBODYS_BID = _is_somebodys(LOT.producer_id), _is_somebodys(BID.buyer_id)
IS_FREE_LOT = and_(LOT.status == "open", LOT.quantity_g - LOT.held_g - LOT.agreed_g > 0, IS_SOMEBODYS_LOT)
IS_FREE_BID = and_(BID.lifecycle == "open", BID.quantity_g - BID.held_g - BID.agreed_g > 0, IS_SOMEBODYS_BID)
WITH_BOTH_SIDES = select(LOT.produce).where(IS_FREE_LOT).intersect(select(BID.produce).where(IS_FREE_BID))
