"""Everything the listing service's API can do, wired."""

from fastapi import FastAPI

from chassis.app import create_app
from chassis.auth import KeySource
from chassis.db import Database
from services.listing.board import api as board
from services.listing.listings import api as listings
from services.listing.producers import api as producers

SOURCE = "/duijie/listing"


def create_listing_app(db: Database, keys: KeySource) -> FastAPI:
    return create_app(
        "listing", db=db, keys=keys, routers=[producers.router, listings.import_router, listings.router, board.router]
    )
