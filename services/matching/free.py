"""What rounds may still match, and the markets that have some of it on both sides."""

from sqlalchemy import and_, select

from services.matching.orders.models import Order
from services.matching.supply.models import Supply

LOT, BID = Supply.__table__.c, Order.__table__.c
IS_FREE_LOT = and_(LOT.status == "open", LOT.quantity_g - LOT.held_g - LOT.agreed_g > 0)
IS_FREE_BID = and_(BID.lifecycle == "open", BID.quantity_g - BID.held_g - BID.agreed_g > 0)
WITH_BOTH_SIDES = select(LOT.produce).where(IS_FREE_LOT).intersect(select(BID.produce).where(IS_FREE_BID))
