"""Who may write for a producer: an agent with the producer's recorded consent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from chassis.erasure import Erasures
from chassis.problems import Problem, Text
from services.listing.tables import Base

ERASED = Erasures(Base.metadata)


class NoConsent(Problem):
    slug, status = "no-consent", 403
    title = Text("未获授权代办", "No consent")
    detail = Text("该生产者没有授权您代办。", "This producer has given you no consent to act.")


class Consent(Base):
    """That a producer lets an agent act, from `given_at` until it is withdrawn (the row goes)."""

    __tablename__ = "consents"

    producer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
