"""Consents on the public surface."""

from uuid import UUID

from pydantic import AwareDatetime

from chassis.fields import RequestModel, ResponseModel


class NewConsent(RequestModel):
    agent_id: UUID


class ConsentOut(ResponseModel):
    producer_id: UUID
    agent_id: UUID
    given_at: AwareDatetime
