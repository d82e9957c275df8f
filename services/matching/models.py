"""Every table of this service, for its migrations and their check."""

from services.matching.feed import models as feed
from services.matching.tables import Base

METADATA = Base.metadata
TABLES = [feed.FEED_PENDING, feed.FEED_ITEMS, feed.FEED_HEADS]
