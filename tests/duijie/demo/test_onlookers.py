"""Whom one may look in as after the demonstration."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import get_args

from catalogue.days import CHINA
from contracts.accounts import Role
from duijie.demo.guests import read_guests, write_guests
from duijie.demo.onlookers import ONLOOKERS, guests_of
from duijie.demo.play import accounts
from duijie.demo.stage import ADMIN, OFFICER
from duijie.demo.world import Size, World
from gateway.pages.signing.guests import Guest
from gateway.pages.texts import TEXTS

BEGAN = datetime(2026, 11, 29, 9, 30, tzinfo=CHINA)
WORLD = World(1, BEGAN, Size(listings=300, orders=200))


def test_there_is_a_guest_of_every_role_and_each_is_an_account_of_the_world() -> None:
    guests = guests_of(WORLD)
    assert list(guests) == list(get_args(Role))
    assert set(guests.items()) <= accounts(WORLD)


def test_who_sells_and_buys_most_is_shown() -> None:
    guests = guests_of(WORLD)
    lots = Counter(lot.producer for lot in WORLD.lots if not WORLD.is_for_tomorrow(lot))
    orders = Counter(wish.buyer for wish in WORLD.wishes if wish.role == "platform")
    assert lots[guests["producer"]] == max(lots.values()) > 1
    assert orders[guests["platform"]] == max(orders.values())


def test_a_role_that_nobody_plays_has_no_guest() -> None:
    assert "citizen" not in guests_of(World(1, BEGAN, Size(listings=5, orders=0)))
    assert "producer" not in guests_of(World(1, BEGAN, Size(listings=0, orders=5)))


def test_guests_are_there_once_they_were_written_and_anew_when_written_anew(tmp_path: Path) -> None:
    assert read_guests(tmp_path) == ()
    write_guests(tmp_path, {"producer": "草莓园"})
    assert read_guests(tmp_path) == (Guest("producer", "草莓园"),)
    write_guests(tmp_path, {"carrier": "Sufeng", "admin": "平台运维"})
    assert read_guests(tmp_path) == (Guest("carrier", "Sufeng"), Guest("admin", "平台运维"))


def test_who_is_no_seller_buyer_or_carrier_has_a_chinese_name_that_says_more_than_the_role() -> None:
    named = {("admin", ADMIN), ("programme_officer", OFFICER), *ONLOOKERS.items()}
    assert [name for role, name in named if name.isascii() or name == TEXTS[f"role.{role}"].zh] == []
