"""Everything the logistics service's API can do, wired."""

from fastapi import FastAPI

from chassis.app import create_app
from chassis.auth import KeySource
from chassis.db import Database
from services.logistics.carriers import api as carriers
from services.logistics.parcels import api as parcels
from services.logistics.programmes import api as programmes
from services.logistics.routes import api as routes
from services.logistics.shipments import api as shipments

SOURCE = "/duijie/logistics"


def create_logistics_app(db: Database, keys: KeySource) -> FastAPI:
    slices = (carriers, shipments, routes, parcels, programmes)
    return create_app("logistics", db=db, keys=keys, routers=[each.router for each in slices])
