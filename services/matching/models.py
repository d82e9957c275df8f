"""Every table of this service, for its migrations and their check."""

from services.matching.feed import models as feed
from services.matching.markets import MARKET_CHANGES
from services.matching.matches import models as matches
from services.matching.orders import models as orders
from services.matching.orders.importing import IMPORTS
from services.matching.policies import models as policies
from services.matching.rounds import models as rounds
from services.matching.supply import models as supply
from services.matching.tables import Base
from services.matching.webhooks import models as webhooks

METADATA = Base.metadata
TABLES = [
    supply.Supply,
    orders.Order,
    orders.ERASED.table,
    IMPORTS,
    MARKET_CHANGES,
    policies.PolicyVersion,
    policies.POLICY_PERIODS,
    policies.POLICY_STARTS,
    rounds.Round,
    rounds.RoundTimer,
    matches.Match,
    matches.REFUSED_PAIRS,
    matches.MATCH_DELIVERIES,
    feed.FEED.pending,
    feed.FEED.items,
    feed.FEED.heads,
    webhooks.Endpoint,
    webhooks.Delivery,
]
