"""Everything the listing service's API can do, wired."""

from fastapi import FastAPI

from chassis.app import create_app
from chassis.auth import KeySource
from chassis.db import Database
from services.listing.backlog import api as backlog
from services.listing.backlog.service import Shelf
from services.listing.board import api as board
from services.listing.board.service import Totals
from services.listing.listings import api as listings
from services.listing.photos import api as photos
from services.listing.photos.service import Smaller
from services.listing.producers import api as producers
from services.listing.producers.models import ERASED


def create_listing_app(db: Database, keys: KeySource) -> FastAPI:
    routers = [
        producers.router,
        listings.import_router,
        listings.router,
        photos.router,
        board.router,
        backlog.router,
    ]
    app = create_app("listing", db=db, keys=keys, routers=routers, erasures=ERASED)
    app.state.backlog = Shelf()
    app.state.board_totals = Totals()
    app.state.smaller = Smaller()
    return app
