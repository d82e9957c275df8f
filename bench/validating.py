"""`duijie serve listing`, which validates what is posted and writes nothing. `python -m bench.validating`."""

import asyncio
from contextlib import AsyncExitStack

from fastapi import FastAPI, Request, Response

from chassis.auth import Caller
from chassis.grouping import created
from chassis.settings import ProcessSettings
from duijie import processes
from duijie.wiring import APIS
from services.listing.listings.schemas import NewListing


class Validated:
    """In the place of the group that would write them."""

    async def submit(self, _request: Request, _caller: Caller, new: NewListing) -> Response:
        return created(new, 1, "/v1/listings/validated")


async def validating(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    app = await LISTING(process, stack)
    app.state.groups["listings"] = Validated()
    return app


LISTING = APIS["listing"]

if __name__ == "__main__":
    APIS["listing"] = validating
    asyncio.run(processes.serve("listing"))
