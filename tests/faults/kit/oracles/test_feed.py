"""A feed with a gap, a repeat, another order or another content is found, and nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.kit.oracles import feed
from tests.faults.kit.oracles.samples import evidence, told
from tests.faults.kit.spy import Told


def item(seq: int, match_id: str, kind: str, version: int) -> tuple[int, dict[str, Any]]:
    return seq, {"seq": seq, "type": kind, "match": {"id": match_id, "version": version}}


TOLD_TO_A = [("m", "match.proposed", 1), ("n", "match.proposed", 1), ("m", "match.agreed", 2)]
FEED_OF_A = [item(seq, *named) for seq, named in enumerate(TOLD_TO_A, 1)]


def test_a_feed_is_made_of_the_match_events_of_both_sides() -> None:
    match = json.dumps({"producer_id": "a", "buyer_id": "b", "version": 1}).encode()
    proposed = replace(told(1, "m", "1", match, "matching.matches.v1"), type="duijie.match.proposed")
    assert feed.of_matches([proposed, told(2, "l", "2")]) == {key: [("m", "match.proposed", 1)] for key in "ab"}


def test_of_a_shipment_its_parties_are_told_and_whoever_had_it_and_what_can_be_claimed_every_carrier() -> None:
    def of(seq: int, kind: str, carrier: str | None) -> Told:
        state = json.dumps({"carrier_id": carrier, "version": seq}).encode()
        return replace(told(seq, "s", str(seq), state, "logistics.shipments.v1"), type=f"duijie.shipment.{kind}")

    known = feed.of_shipments(
        [of(1, "opened", None), of(2, "claimed", "c"), of(3, "picked_up", "c"), of(4, "released", None)],
        {"s": ("a", "b")},
    )
    seen = {account: [version for _, _, version in events] for account, events in known.items()}
    assert seen == {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [2, 3, 4], feed.ANY_CARRIER: [1, 2, 4]}


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (FEED_OF_A, ""),
        ([item(1, *TOLD_TO_A[1]), item(2, *TOLD_TO_A[0]), item(3, *TOLD_TO_A[2])], ""),
        (FEED_OF_A[:2], "missing [('m', 'match.agreed', 2)]"),
        ([*FEED_OF_A, item(4, *TOLD_TO_A[2])], "4 items, 3 committed"),
        ([*FEED_OF_A[:2], item(4, *TOLD_TO_A[2])], "gaps or repeats"),
        ([item(1, *TOLD_TO_A[2]), item(2, *TOLD_TO_A[1]), item(3, *TOLD_TO_A[0])], "3 items, 3 committed"),
        ([*FEED_OF_A[:2], (3, item(9, *TOLD_TO_A[2])[1])], "another number"),
    ],
    ids=["sound", "two matches the other way round", "lost", "repeated", "gap", "one match backwards", "misnumbered"],
)
def test_what_is_wrong_with_a_feed_is_found(kept: list[tuple[int, dict[str, Any]]], words: str) -> None:
    found = evidence(feed.stored({"a": kept}, {"a": TOLD_TO_A}))
    assert bool(found) == bool(words)
    assert words in found


def test_a_feed_of_nothing_and_a_lost_feed_are_found() -> None:
    assert "a feed of nothing" in evidence(feed.stored({"a": FEED_OF_A}, {}))
    assert "0 items, 3 committed" in evidence(feed.stored({}, {"a": TOLD_TO_A}))


def test_what_was_shown_is_the_beginning_of_what_is_kept() -> None:
    pages = [shown for _, shown in FEED_OF_A]
    assert not feed.shown({"a": pages[:2]}, {"a": FEED_OF_A}).violations
    assert not feed.shown({}, {"a": FEED_OF_A}).violations
    assert "other items" in evidence(feed.shown({"a": pages[1:]}, {"a": FEED_OF_A}))
    assert "other items" in evidence(feed.shown({"a": [*pages, pages[2]]}, {"a": FEED_OF_A}))
    many = [item(seq, "m", "match.proposed", 1) for seq in range(1, feed.UNREAD + 2)]
    assert "was shown none of 51" in evidence(feed.shown({}, {"a": many}))
