"""Every table of this service, for its migrations and their check."""

from services.listing.backlog import models as backlog
from services.listing.listings import models as listings
from services.listing.listings.importing import IMPORTS
from services.listing.photos import models as photos
from services.listing.producers import models as producers
from services.listing.tables import Base

METADATA = Base.metadata
TABLES = [
    backlog.Hazard,
    backlog.Sight,
    backlog.Snapshot,
    backlog.Stand,
    listings.Listing,
    photos.Photo,
    producers.Consent,
    producers.ERASED.table,
    IMPORTS,
]
