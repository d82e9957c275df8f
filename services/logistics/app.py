"""Everything the logistics service's API can do, wired."""

from fastapi import FastAPI

from chassis.app import create_app
from chassis.auth import KeySource
from chassis.db import Database
from services.logistics.carriers import api as carriers
from services.logistics.carriers.models import ERASED
from services.logistics.clawbacks import api as clawbacks
from services.logistics.feed import api as feed
from services.logistics.flags import api as flags
from services.logistics.parcels import api as parcels
from services.logistics.programmes import api as programmes
from services.logistics.routes import api as routes
from services.logistics.routes.solving import FleetSolver
from services.logistics.settlements import api as settlements
from services.logistics.shipments import api as shipments


def create_logistics_app(db: Database, keys: KeySource, fleet_solver: FleetSolver | None = None) -> FastAPI:
    """Who made `fleet_solver` stops it; one made here ends with this process."""
    slices = (carriers, feed, shipments, routes, parcels, programmes, clawbacks, flags)
    # what is under a name comes before what is under an id
    special = (routes.solve_router, shipments.photos_router, settlements.bank_router, settlements.router)
    routers = [*(each.router for each in slices), *special]
    app = create_app("logistics", db=db, keys=keys, routers=routers, erasures=ERASED)
    app.state.fleet_solver = fleet_solver or FleetSolver()
    return app
