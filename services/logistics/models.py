"""Every table of this service, for its migrations and their check."""

from services.logistics.carriers import models as carriers
from services.logistics.routes import models as routes
from services.logistics.shipments import models as shipments
from services.logistics.tables import Base

METADATA = Base.metadata
TABLES = [
    carriers.Vehicle,
    shipments.Shipment,
    shipments.Report,
    shipments.ReleasedMatch,
    routes.Plan,
]
