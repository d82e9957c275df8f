"""Every table of this service, for its migrations and their check."""

from services.listing.listings import models as listings
from services.listing.listings.importing import IMPORTS
from services.listing.producers import models as producers
from services.listing.tables import Base

METADATA = Base.metadata
TABLES = [listings.Listing, producers.Consent, IMPORTS]
