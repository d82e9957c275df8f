"""Rounds: what each clearing of a market came to, and how often the timer clears."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Float, Index, Integer, Numeric, Text, Uuid, true
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem
from chassis.problems import Text as Words
from contracts.rounds import RoundCleared
from services.matching.tables import Base

INTERVAL_DEFAULT_S = 1.0
INTERVAL_MAX_S = 86_400
MFEN_PER_FEN = 1000


class SolverUnavailable(Problem):
    slug, status = "solver-unavailable", 503
    title = Words("撮合暂不可用", "Matching is away for the moment")
    detail = Words(
        "求解程序没有给出结果；供应与求购照常接收。",
        "The solver gave no answer; listings and orders are taken as ever.",
    )


class Round(Base):
    """One clearing of one market. Values are in thousandths of a fen (fen per kg × g), which is exact.

    `value_mfen` and the proof are the plan's; `matched_g` is what was written of it, which is less only when the
    market moved while it was solved (`skipped` matches). `whole`: all of the market was looked at; otherwise what its
    changes touch, and pairs, values and proof are of that. The best plan leaves what they do not touch as it is.
    """

    __tablename__ = "rounds"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    produce: Mapped[str] = mapped_column(Text)
    cleared_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    policy: Mapped[int] = mapped_column(Integer)
    listings: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer)
    arcs: Mapped[int] = mapped_column(Integer)
    matches: Mapped[int] = mapped_column(Integer)
    skipped: Mapped[int] = mapped_column(Integer)
    matched_g: Mapped[int] = mapped_column(BigInteger)
    # a market over 10^12 g at 10^6 fen/kg leaves 64 bits
    value_mfen: Mapped[int] = mapped_column(Numeric(38, 0))
    greedy_value_mfen: Mapped[int] = mapped_column(Numeric(38, 0))
    certified_gap: Mapped[float] = mapped_column(Float)
    whole: Mapped[bool] = mapped_column(Boolean, server_default=true())
    seconds: Mapped[float] = mapped_column(Float)

    __table_args__ = (Index(None, "produce", "id"),)

    def fact(self) -> RoundCleared:
        return RoundCleared(
            round_id=self.id,
            produce=self.produce,
            cleared_at=self.cleared_at,
            policy=self.policy,
            listings=self.listings,
            orders=self.orders,
            arcs=self.arcs,
            matched_g=self.matched_g,
            value_fen=round(self.value_mfen / MFEN_PER_FEN),
            greedy_value_fen=round(self.greedy_value_mfen / MFEN_PER_FEN),
            certified_gap=self.certified_gap,
            whole=self.whole,
            seconds=self.seconds,
        )


class RoundTimer(Base):
    """The one row that says how often; until there is one, `INTERVAL_DEFAULT_S`."""

    __tablename__ = "round_timer"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, default=1)
    interval_s: Mapped[float] = mapped_column(Float)

    __table_args__ = (CheckConstraint("id = 1 AND interval_s >= 0", name="one_row"),)
