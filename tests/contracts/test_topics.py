"""Which events there are, where they are told, and in what order they are kept."""

import re
from collections import defaultdict
from inspect import isclass
from typing import get_args

import pytest

from contracts import accounts, listings, matches, parcels, shipments
from contracts.event import Event
from contracts.topics import TOPICS, declared
from tests.contracts.support import EVENTS, MODULES, golden

TOLD: dict[str, tuple[str, set[str]]] = {
    "gateway.accounts.v1": ("account_id", {"account.opened", "account.changed", "account.erased"}),
    "listing.listings.v1": (
        "listing_id",
        {"listing.published", "listing.updated", "listing.withdrawn", "listing.expired"},
    ),
    "matching.supply.v1": ("listing_id", {"supply.remaining_changed"}),
    "matching.matches.v1": (
        "match_id",
        {"match.proposed", "match.agreed", "match.adjusted", "match.released", "match.fulfilled"},
    ),
    "matching.rounds.v1": ("produce", {"round.cleared"}),
    "logistics.shipments.v1": (
        "shipment_id",
        {
            "shipment.opened",
            "shipment.claimed",
            "shipment.released",
            "shipment.picked_up",
            "shipment.delivered",
            "shipment.failed",
            "shipment.cancelled",
        },
    ),
    "logistics.parcels.v1": ("parcel_id", {"parcel.registered", "parcel.scanned", "parcel.settled"}),
    "logistics.programmes.v1": (
        "programme_id",
        {
            "programme.opened",
            "programme.rule_changed",
            "programme.topped_up",
            "programme.paused",
            "programme.resumed",
            "programme.closed",
            "programme.exhausted",
        },
    ),
}
"""Topic: the field that is its key, and the types told there (without their `duijie.`)."""


def test_each_topic_has_the_types_of_the_design() -> None:
    by_topic: dict[str, set[str]] = defaultdict(set)
    for kind in EVENTS:
        by_topic[kind.TOPIC].add(kind.TYPE.removeprefix("duijie."))
    assert by_topic == {topic: types for topic, (_, types) in TOLD.items()}


def test_every_topic_is_declared_once_and_no_other_is() -> None:
    names = [topic.name for topic in TOPICS]
    assert len(names) == len(set(names))
    assert set(names) == {kind.TOPIC for kind in EVENTS}
    assert all(topic.partitions >= 1 for topic in TOPICS)


def test_dead_letters_are_declared_with_their_topic_and_kept_longer() -> None:
    found = {topic.name: topic for topic in declared()}
    assert len(found) == 2 * len(TOPICS)
    for topic in TOPICS:
        assert found[f"{topic.name}.dlq"].retention_ms > topic.retention_ms


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_the_key_is_the_id_that_the_design_names(kind: type[Event]) -> None:
    event = golden(kind)
    assert event.key == str(getattr(event, TOLD[kind.TOPIC][0]))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_type_is_a_thing_and_what_happened_to_it(kind: type[Event]) -> None:
    assert re.fullmatch(r"duijie\.[a-z]+\.[a-z_]+", kind.TYPE)
    assert re.fullmatch(r"(gateway|listing|matching|logistics)\.[a-z]+\.v[1-9]", kind.TOPIC)
    assert kind.__name__.lower() == kind.TYPE.removeprefix("duijie.").replace(".", "").replace("_", "").replace(
        "supply", "" if kind.__name__ == "RemainingChanged" else "supply"
    )


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_whole_state_comes_with_a_version_to_order_it_by(kind: type[Event]) -> None:
    assert kind.TYPE == "duijie.round.cleared" or kind.model_fields["version"].annotation is int


def test_no_two_events_share_a_type() -> None:
    assert len({kind.TYPE for kind in EVENTS}) == len(EVENTS)


def test_every_event_class_with_a_topic_of_its_own_is_drawn_in_one_module() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        for drawn in vars(module).values():
            if isclass(drawn) and issubclass(drawn, Event) and hasattr(drawn, "TOPIC"):
                homes[drawn.TOPIC].add(drawn.__module__)
    assert all(len(modules) == 1 for modules in homes.values()), homes
    assert homes.keys() == {topic.name for topic in TOPICS}


def test_roles_are_those_of_the_surface() -> None:
    assert set(get_args(accounts.Role)) == {
        *("producer", "agent", "platform", "group_leader", "citizen", "carrier"),
        *("programme_officer", "supervisor", "auditor", "admin"),
    }


def test_states_are_those_of_the_surface() -> None:
    assert set(get_args(listings.ListingStatus)) == {"open", "withdrawn", "expired"}
    assert set(get_args(matches.MatchStatus)) == {"proposed", "agreed", "fulfilled", "released"}
    assert set(get_args(matches.ReleaseReason)) == {
        *("declined", "deadline", "listing_withdrawn", "order_cancelled", "expired"),
    }
    assert set(get_args(shipments.ShipmentStatus)) == {
        *("open", "claimed", "picked_up", "delivered", "failed", "cancelled"),
    }
    assert set(get_args(parcels.ParcelStatus)) == {
        *("registered", "accepted", "in_transit", "delivered", "returned", "lost", "void"),
    }
    assert set(get_args(parcels.SubsidyStatus)) == {
        *("reserved", "posted", "voided", "reversed", "fund_exhausted", "not_eligible", "none"),
    }


def test_grades_stand_in_their_order() -> None:
    assert get_args(listings.Grade) == ("A", "B", "C")
