"""`/v1/policy`: the numbers that rounds decide by, and what a way costs by them."""

from typing import Annotated

from fastapi import Query

from catalogue.fields import CountyAdcode
from chassis.auth import AnyCaller
from chassis.routes import Read, slice_router
from contracts.listings import TemperatureClass
from services.matching.policies import queries
from services.matching.policies.schemas import FreightOut, PolicyOut

router = slice_router("/v1/policy", tag="rounds")
From = Annotated[CountyAdcode, Query(examples=["321323"])]
To = Annotated[CountyAdcode, Query(examples=["320102"])]


@router.get("")
async def read_policy(caller: AnyCaller, session: Read) -> PolicyOut:
    """The policy in force."""
    return PolicyOut.of(await queries.in_force(session))


@router.get("/freight")
async def read_freight(
    origin: From, destination: To, session: Read, temperature_class: TemperatureClass = "ambient"
) -> FreightOut:
    """What the way from one county to another costs and how long it takes, from seat to seat; for everyone."""
    return FreightOut.of(await queries.in_force(session), origin, destination, temperature_class)
