"""A photo of a lot."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Integer, LargeBinary, UniqueConstraint, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from services.listing.listings.models import Listing
from services.listing.tables import Base

PHOTOS_MAX = 8


class Photo(Base):
    """What a producer shows of a lot: a JPEG of ours, with nothing of the phone that took it.

    `digest` is the SHA-256 of that JPEG: the same picture sent twice is one. `thumbnail` is for lists.
    """

    __tablename__ = "listing_photos"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey(Listing.id))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    thumbnail: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size_b: Mapped[int] = mapped_column(Integer)
    width_px: Mapped[int] = mapped_column(Integer)
    height_px: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (UniqueConstraint("listing_id", "digest"),)
