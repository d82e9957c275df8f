"""What was seen of the backlog, day by day, what follows from it, and how it stood on each day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, Double, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.listing.tables import Base


class Sight(Base):
    """What was seen on a day (Asia/Shanghai) of a produce in a county, at so many hours left: see `hazard.Seen`.
    What of lots in their first hour has the band `hazard.NEW`.

    `sold_g` is less what agreed matches gave back, so it may be negative. `spoiled_g`: not sold when its time was
    over. Kept for `KEPT` days; a row only for what a lot had news of, or ended in.
    """

    __tablename__ = "backlog_sights"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    produce: Mapped[str] = mapped_column(Text, primary_key=True)
    adcode: Mapped[str] = mapped_column(Text, primary_key=True)
    band: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    exposure_gh: Mapped[float] = mapped_column(Double)
    sold_g: Mapped[int] = mapped_column(BigInteger)
    sales: Mapped[int] = mapped_column(Integer)
    spoiled_g: Mapped[int] = mapped_column(BigInteger)


class Hazard(Base):
    """The rates of sale of one cell, as last fitted: see `hazard.Cell`. A cell without a row has nothing to say."""

    __tablename__ = "backlog_hazards"

    produce: Mapped[str] = mapped_column(Text, primary_key=True)
    adcode: Mapped[str] = mapped_column(Text, primary_key=True)
    rates: Mapped[list[float]] = mapped_column(ARRAY(Double))
    fitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Snapshot(Base):
    """Every open lot with its forecast at a full minute: what the pages of the backlog are made of.

    `lots` is packed as `standing.RECORD`, the place of its produce among `produce` in each; `evidence` stands beside
    these. Kept for some minutes, and in no log: what a crash empties is there again after a minute.
    """

    __tablename__ = "backlog_snapshots"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    as_of: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid)
    produce: Mapped[list[str]] = mapped_column(ARRAY(Text))
    evidence: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    lots: Mapped[bytes] = mapped_column(LargeBinary)


class Stand(Base):
    """How the backlog stood in a county when it was last looked at on a day."""

    __tablename__ = "backlog_stands"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    produce: Mapped[str] = mapped_column(Text, primary_key=True)
    adcode: Mapped[str] = mapped_column(Text, primary_key=True)
    open_g: Mapped[int] = mapped_column(BigInteger)
    at_risk_g: Mapped[int] = mapped_column(BigInteger)
    looked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
