"""Every table of this service, for its migrations and their check."""

from services.logistics.carriers import models as carriers
from services.logistics.clawbacks import models as clawbacks
from services.logistics.feed import models as feed
from services.logistics.flags import models as flags
from services.logistics.parcels import models as parcels
from services.logistics.programmes import models as programmes
from services.logistics.routes import models as routes
from services.logistics.settlements import models as settlements
from services.logistics.shipments import models as shipments
from services.logistics.subsidy import models as subsidy
from services.logistics.tables import Base

METADATA = Base.metadata
TABLES = [
    carriers.Vehicle,
    carriers.ERASED.table,
    feed.FEED.pending,
    feed.FEED.items,
    feed.FEED.heads,
    shipments.Shipment,
    shipments.Report,
    shipments.Photo,
    shipments.ReleasedMatch,
    routes.Plan,
    parcels.PARCELS,
    parcels.SCANS,
    parcels.LOADS,
    programmes.Programme,
    programmes.RuleVersion,
    programmes.StandingFrom,
    programmes.Approval,
    settlements.Settlement,
    settlements.Correction,
    settlements.CORRECTION_LINES,
    flags.Flag,
    clawbacks.Clawback,
    clawbacks.CLAWBACK_LINES,
    clawbacks.RECOVERIES,
    subsidy.LEDGER_HEADS,
    subsidy.TRANSFERS,
    subsidy.SEALS,
    subsidy.SUBSIDIES,
    subsidy.CAP_USAGE,
    subsidy.PAID_STATEMENTS,
]
