"""What the feeds of matches tell."""

from typing import Literal

from chassis.feed import Feed
from services.matching.tables import Base

FeedType = Literal["match.proposed", "match.agreed", "match.adjusted", "match.released", "match.fulfilled"]

FEED = Feed(Base.metadata, "match")
