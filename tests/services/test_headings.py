"""docs/guides/partners.md: what a spreadsheet may call the fields of an import."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.listing.listings.importing import HEADINGS as OF_LISTINGS
from services.matching.orders.importing import HEADINGS as OF_ORDERS

GUIDE = (Path(__file__).parents[2] / "docs/guides/partners.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("title", "headings"), [("Listings", OF_LISTINGS), ("Orders", OF_ORDERS)])
def test_the_guide_has_every_heading_and_no_other(title: str, headings: Mapping[str, str]) -> None:
    table = GUIDE.split(f"\n{title}:\n\n")[1].split("\n\n")[0]
    told = {
        heading: field
        for field, names in re.findall(r"^\| `([^`]+)` \| (.+) \|$", table, re.M)
        for heading in names.split("、")
    }
    assert told == headings
