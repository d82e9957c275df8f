"""Every topic and how many partitions it has where the transport knows partitions."""

PARTITIONS_BY_TOPIC: dict[str, int] = {
    "listing.listings.v1": 12,
    "matching.supply.v1": 12,
    "matching.matches.v1": 12,
    "matching.rounds.v1": 3,
    "logistics.shipments.v1": 12,
    "logistics.parcels.v1": 12,
    "logistics.programmes.v1": 3,
    "gateway.accounts.v1": 3,
}
