"""Everything the matching service's API can do, wired."""

from fastapi import FastAPI

from chassis.app import create_app
from chassis.auth import KeySource
from chassis.db import Database
from chassis.health import Late
from services.matching.explanations import api as explanations
from services.matching.explanations.service import Explainer
from services.matching.feed import api as feed
from services.matching.matches import api as matches
from services.matching.orders import api as orders
from services.matching.orders.models import ERASED
from services.matching.policies import api as policies
from services.matching.prices import api as prices
from services.matching.prices.service import PriceBoard
from services.matching.rounds import api as rounds
from services.matching.rounds.pool import SolverPool
from services.matching.values import api as values
from services.matching.webhooks import api as webhooks
from services.matching.webhooks.service import Desk


def create_matching_app(db: Database, keys: KeySource, pool: SolverPool, desk: Desk) -> FastAPI:
    """Who made `pool` starts it: the worker of the same process, or the process of this API alone.

    Without solvers all but rounds on demand is answered, so `/readyz` tells of them as late.
    """
    routers = [
        feed.router,  # asked for most often, and they are tried in their order
        orders.import_router,
        orders.router,
        matches.orders_router,
        matches.router,
        rounds.router,
        policies.router,
        explanations.router,
        explanations.orders_router,
        values.router,
        prices.router,
        webhooks.router,
    ]

    async def solvers_are_late() -> str | None:
        return None if pool.warm else Late("no solver is warm yet, and rounds on demand wait or are refused")

    checks = {"solvers": solvers_are_late}
    app = create_app("matching", db=db, keys=keys, routers=routers, erasures=ERASED, checks=checks)
    app.state.solvers = pool
    app.state.explainer = Explainer()
    app.state.prices = PriceBoard()
    app.state.webhooks, app.state.vault = desk, desk.vault
    return app
