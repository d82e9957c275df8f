"""Each problem of the whole house has advice of its own, and no blank that nobody fills."""

import re

import pytest

from chassis.problems import Problem
from gateway.words.problems import BLANK, BLANKS, BY_SLUG, BY_STATUS, in_general, what_to_do
from services.listing.app import create_listing_app
from services.listing.photos.models import PHOTOS_MAX as OF_A_LISTING
from services.logistics.app import create_logistics_app
from services.logistics.shipments.models import PHOTOS_MAX as OF_A_SHIPMENT
from services.matching.app import create_matching_app

WHOLE_HOUSE = (create_listing_app, create_matching_app, create_logistics_app)
HOUSE = ("chassis", "gateway", "services")
OURS = {slug: known for slug, known in Problem.known().items() if known.__module__.startswith(HOUSE)}


@pytest.mark.parametrize("slug", sorted(OURS))
def test_a_problem_told_of_in_general_has_no_blank(slug: str) -> None:
    for text in in_general(OURS[slug].detail):
        assert "{" not in text
        assert "…" not in text


@pytest.mark.parametrize("slug", sorted(slug for slug, known in OURS.items() if known.status == 409))
def test_every_conflict_says_what_to_do_about_it(slug: str) -> None:
    assert what_to_do(slug, 409) is BY_SLUG[slug] is not BY_STATUS[409]


def test_what_stands_for_a_blank_is_of_a_blank_that_there_is() -> None:
    there = {name for known in OURS.values() for text in known.detail for name in BLANK.findall(text)}
    assert there == BLANKS.keys()


def test_how_many_photos_there_may_be_is_what_the_services_say() -> None:
    for text in BLANKS["most"]:
        assert [int(each) for each in re.findall(r"[0-9]+", text)] == [OF_A_LISTING, OF_A_SHIPMENT]
