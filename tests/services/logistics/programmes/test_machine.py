"""The whole of a programme's life through the API, in any order, against a model of sets and sums."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from catalogue.days import local_day
from chassis.db import Database
from contracts.matches import MatchEvent
from services.logistics.audit.service import replay_day
from services.logistics.clawbacks.service import notice_returned
from tests.services.logistics.programmes.model import Model
from tests.support.services import Issuer
from tests.support.subsidies import RATE_FEN, Courier, Office, waybill

KINDS = ("accepted", "in_transit", "delivered", "delivered", "returned", "lost")
places = st.integers(0, 30)


class World:
    """An office of two, a carrier, and a loop in which their requests are sent."""

    def __init__(self, courier: Courier, office: Office, issuer: Issuer, db: Database) -> None:
        self.courier, self.office, self.db = courier, office, db
        self.second = issuer.caller("programme_officer")
        self.loop = asyncio.get_running_loop()

    def do(self, asked: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(asked, self.loop).result(30)

    def post(self, path: str, body: Any, headers: dict[str, str], status: int = 200) -> Any:
        answer = self.do(self.courier.client.post(path, json=body, headers=headers))
        assert answer.status_code == status, answer.text
        return answer.json()


class Life(RuleBasedStateMachine):
    """A programme's life in `world`, step by step beside the model of it."""

    world: ClassVar[World]

    @initialize(parcels=st.integers(0, 8), change=st.integers(0, RATE_FEN - 1))
    def begin(self, parcels: int, change: int) -> None:
        self.model = Model(parcels * RATE_FEN + change + 1, RATE_FEN)
        self.match: MatchEvent = self.world.do(self.world.courier.claimed(quantity_g=10**9))
        close_others(self.world)
        self.world.do(notice_returned(self.world.db))  # what came back in earlier lives is none of this one's
        self.fund: str = self.world.do(self.world.office.open(budget_fen=self.model.budget_fen))
        self.names: list[str] = []
        self.statements: list[str] = []

    @rule(new=st.integers(1, 3), again=places, order=st.sampled_from([None, "A", "B"]))
    def register(self, new: int, again: int, order: str | None) -> None:
        names = [waybill() for _ in range(new)]
        known = [self.names[again % len(self.names)]] if self.names else []
        refs = {**dict.fromkeys(names, order), **{name: self.model.parcels[name].order_ref for name in known}}
        answered = self.world.do(
            self.world.courier.register(
                *(self.world.courier.parcel(self.match, waybill=name, order_ref=self._ref(refs[name])) for name in refs)
            )
        )
        for name, item in zip(names, answered, strict=False):
            assert item["subsidy"] == self.model.register(name, refs[name]), name
        self.names += names

    @precondition(lambda self: self.names)
    @rule(told=st.lists(st.tuples(places, st.sampled_from(KINDS)), min_size=1, max_size=4))
    def scan(self, told: list[tuple[int, str]]) -> None:
        for place, kind in told:
            name = self.names[place % len(self.names)]
            self.world.do(self.world.courier.tell((name, kind)))
            self.model.scan(name, kind)

    @rule(fen=st.integers(1, 3 * RATE_FEN))
    def top_up(self, fen: int) -> None:
        self._changed("topup", {"amount_fen": fen})
        self.model.top_up(fen)

    @rule(rate=st.sampled_from([50, 150, 200, 350]))
    def change_rate(self, rate: int) -> None:
        self._changed("rules", {"rate_fen": rate})
        self.model.rate_fen = rate

    @rule()
    def pause_or_resume(self) -> None:
        self._changed("resume" if self.model.is_paused else "pause", {})
        self.model.is_paused = not self.model.is_paused

    @rule()
    def freeze(self) -> None:
        now = datetime.now(UTC)
        body = {
            "programme_id": self.fund,
            "carrier_id": str(self.world.courier.account_id),
            "from": (now - timedelta(days=1)).isoformat(),
            "to": (now + timedelta(days=1)).isoformat(),
        }
        lines, fen = self.model.freeze()
        made = self.world.post("/v1/settlements", body, self.world.office.headers, 201 if lines else 409)
        if lines:
            assert (made["lines"], made["amount_fen"]) == (lines, fen)
            self.statements.append(made["id"])

    @precondition(lambda self: self.names)
    @rule(place=places)
    def bring_and_settle(self, place: int) -> None:
        """What it all is for, and what must have been for most of what can go wrong with money."""
        self.scan([(place, "delivered"), (place + 1, "delivered")])
        before = len(self.statements)
        self.freeze()
        if len(self.statements) > before:
            self.pay(before - len(self.model.paid_statements))  # the last of those unpaid

    @precondition(lambda self: len(self.statements) > len(self.model.paid_statements))
    @rule(place=places)
    def pay(self, place: int) -> None:
        unpaid = [each for each in range(len(self.statements)) if each not in self.model.paid_statements]
        number = unpaid[place % len(unpaid)]
        reference = {"reference": f"{self.fund} {number}"}
        expected = self.model.pay(number)
        path = f"/v1/settlements/{self.statements[number]}/pay"
        paid = self.world.post(path, reference, self.world.office.headers, 409 if expected is None else 200)
        assert expected is None or (paid["owed_fen"], paid["recovered_fen"]) == expected

    @rule()
    def claim_back(self) -> None:
        opened = self.world.do(notice_returned(self.world.db))
        fen = self.model.claim_back()
        assert opened == bool(fen)
        if fen:
            path = f"/v1/clawbacks?programme_id={self.fund}&status=noticed"
            answer = self.world.do(self.world.courier.client.get(path, headers=self.world.office.headers))
            (clawback,) = answer.json()["items"]
            assert clawback["amount_fen"] == fen
            under = f"/v1/clawbacks/{clawback['id']}"
            self.world.post(f"{under}/objection", {"text": "no"}, self.world.courier.headers)
            self.world.post(f"{under}/decision", {"decision": "uphold"}, self.world.office.headers)

    @invariant()
    def tells_one_story(self) -> None:
        if not hasattr(self, "fund"):
            return
        shown = self.world.do(self.world.office.read(self.fund))
        assert {name: shown[name] for name in self.model.money()} == self.model.money()
        assert shown["parcels"] == self.model.counts()
        for name in self.names[-4:]:
            assert self.world.do(self.world.courier.read(name))["subsidy"] == self.model.parcels[name].subsidy, name

    def teardown(self) -> None:
        if hasattr(self, "fund"):
            assert self.world.do(self.world.office.read(self.fund, "/verify"))["ok"]
            assert recomputed(self.world) == []
            for name in self.names:
                assert self.world.do(self.world.courier.read(name))["subsidy"] == self.model.parcels[name].subsidy, name

    def _ref(self, order: str | None) -> str | None:
        return None if order is None else f"{self.fund} {order}"

    def _changed(self, kind: str, body: dict[str, Any]) -> None:
        asked = self.world.post(f"/v1/programmes/{self.fund}/{kind}", body, self.world.office.headers, 202)
        path = f"/v1/programmes/{self.fund}/approvals/{asked['approval_id']}"
        self.world.post(path, {"decision": "approve"}, self.world.second)


def machine(world: World) -> type[Life]:
    return type("LifeThere", (Life,), {"world": world})


def recomputed(world: World) -> list[object]:
    """What differs where these days are recomputed from parcels and scans."""
    days = {local_day(datetime.now(UTC) - timedelta(minutes=10)), local_day(datetime.now(UTC))}
    replays = [world.do(replay_day(world.db, day)) for day in sorted(days)]
    assert not any(replay.not_judged for replay in replays)
    return [each for replay in replays for each in replay.differences]


def close_others(world: World) -> None:
    """Those of earlier lives pay nothing any more."""
    listed = world.do(world.courier.client.get("/v1/programmes?limit=500", headers=world.office.headers)).json()[
        "items"
    ]
    for each in listed:
        if each["status"] != "closed":
            asked = world.post(f"/v1/programmes/{each['id']}/close", {}, world.office.headers, 202)
            path = f"/v1/programmes/{each['id']}/approvals/{asked['approval_id']}"
            world.post(path, {"decision": "approve"}, world.second)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lives", [4, pytest.param(12, marks=pytest.mark.long)])
async def test_whatever_is_done_in_whatever_order_every_fen_is_where_the_model_has_it(
    courier: Courier, office: Office, issuer: Issuer, db: Database, lives: int
) -> None:
    world = World(courier, office, issuer, db)
    # Shrinking lives a life for each step that it tries: minutes, in which nobody is told that something is wrong.
    few = settings(
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        max_examples=lives,
        stateful_step_count=25,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, machine(world), settings=few)
