"""Photos of lots on the public surface."""

from uuid import UUID

from pydantic import AwareDatetime

from chassis.fields import ResponseModel


class ListingPhotoOut(ResponseModel):
    """A JPEG of at most 1,600 pixels, turned upright; where it was taken is not in it."""

    id: UUID
    size_b: int
    width_px: int
    height_px: int
    recorded_at: AwareDatetime
