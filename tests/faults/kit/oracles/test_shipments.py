"""What was said of shipments is looked for, and nothing else."""

import pytest

from tests.faults.kit.journal import Journal
from tests.faults.kit.oracles import shipments
from tests.faults.kit.oracles.samples import evidence


@pytest.mark.parametrize(
    ("status", "carrier", "right"),
    [("delivered", "c", True), ("claimed", "c", False), ("delivered", "d", False), ("open", None, False)],
)
def test_a_claim_and_a_delivery_that_were_acknowledged_are_looked_for(
    status: str, carrier: str | None, right: bool
) -> None:
    journal = Journal(claims={"s": "c"}, delivered_shipments={"s"})
    row = {"status": status, "carrier_id": carrier, "delivered_by_parcels": False}
    assert (not shipments.compared({"s": row}, journal).violations) == right


def test_a_claim_and_a_delivery_of_nobody_are_found() -> None:
    row = {"status": "delivered", "carrier_id": "c", "delivered_by_parcels": True}
    journal = Journal(claims={"s": "c"})
    assert not shipments.compared({"s": row}, journal).violations
    assert "by nobody's word" in evidence(shipments.compared({"s": row | {"delivered_by_parcels": False}}, journal))
    assert "a claim and its shipment differ" in evidence(shipments.compared({"s": row}, Journal()))
