"""Every table of this service, for its migrations and their check."""

from services.listing.listings import models as listings
from services.listing.photos import models as photos
from services.listing.producers import models as producers
from services.listing.tables import Base

METADATA = Base.metadata
TABLES = [listings.Listing, photos.Photo, producers.Consent]
