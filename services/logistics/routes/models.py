"""A route plan: asked for by a carrier, made by a planner, kept with its answer."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import DateTime, Float, Index, Integer, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.logistics.tables import Base

PlanStatus = Literal["planning", "planned", "failed"]
FailureReason = Literal["planner_died", "planner_error"]

MAX_ATTEMPTS = 3
GRACE = timedelta(seconds=60)
"""Beside its own time limit, what a planner may take: the start of its process, reading, writing."""


class Plan(Base):
    """Which shipments on which vehicles from when, and the answer once there is one.

    With a hub all is brought there (first mile). `prize_fen_per_kg`: what carrying is worth, by default more than any
    detour. `on_board_max_s`: how long a lot may be on the road, by default what its freshness allows. `previous_id`:
    the plan whose drivers keep what they were told, where they can; `aboard_ids`: what its vehicles had on board when
    this one was made, asked for or not.

    The planner that works on it holds a lease; when the lease ends without an answer another takes it up, at most
    `MAX_ATTEMPTS` times in all, so that no plan stays `planning` for ever.
    """

    __tablename__ = "route_plans"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    carrier_id: Mapped[UUID] = mapped_column(Uuid)
    status: Mapped[PlanStatus] = mapped_column(Text)
    depart_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    limit_s: Mapped[float] = mapped_column(Float)
    shipment_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    aboard_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    vehicle_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    hub_lon: Mapped[float | None] = mapped_column(Float)
    hub_lat: Mapped[float | None] = mapped_column(Float)
    prize_fen_per_kg: Mapped[int | None] = mapped_column(Integer)
    on_board_max_s: Mapped[int | None] = mapped_column(Integer)
    previous_id: Mapped[UUID | None] = mapped_column(Uuid)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failure: Mapped[FailureReason | None] = mapped_column(Text)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (
        Index(None, "carrier_id", "id"),
        Index("ix_route_plans_planning", "id", postgresql_where="status = 'planning'"),
    )

    def lease(self, now: datetime) -> bool:
        """Let a planner work on it; False when it was tried often enough: then it has failed."""
        if self.attempts >= MAX_ATTEMPTS:
            self.fail("planner_died")
            return False
        self.attempts += 1
        self.leased_until = now + timedelta(seconds=self.limit_s) + GRACE
        return True

    def give_back(self, attempt: int, failure: FailureReason) -> None:
        """The planner of this attempt came to nothing: the next one may begin at once, or it was the last.

        One that was so late that another has the lease by now takes nothing from that one.
        """
        if self.status != "planning" or self.attempts != attempt:
            return
        self.leased_until = None
        if self.attempts >= MAX_ATTEMPTS:
            self.fail(failure)

    def fail(self, failure: FailureReason) -> None:
        self.status, self.failure, self.leased_until = "failed", failure, None

    def finish(self, answer: dict[str, Any]) -> None:
        """Keep the answer. Of two planners, the second being sent for a late first, whoever is first is heard."""
        if self.status == "planning":
            self.status, self.answer, self.leased_until = "planned", answer, None
