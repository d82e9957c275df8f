"""What an officer does on the pages: each form becomes one request to the API."""

from uuid import UUID

from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, end_of_day, fen, given, instant, number
from gateway.pages.programmes import conditions
from gateway.pages.programmes.conditions import Conditions
from gateway.pages.programmes.views import TERMS
from gateway.pages.reader import Reader

PAYEES = {"carrier": "carrier_id", "producer": "producer_id"}


async def open_programme(reader: Reader, typed: Typed) -> Told:
    """It is active from its first day; the last one that was typed counts as a whole.

    Raises ServiceUnavailable, as all of these do; a refusal is in what is told.
    """
    named = conditions.read(typed, reader.language)
    body = given(
        name=typed.get("name"),
        funder=typed.get("funder"),
        kind=typed.get("kind"),
        budget_fen=fen(typed.get("budget")),
        rate_fen=fen(typed.get("rate")),
        starts_at=instant(typed.get("starts_at")),
        ends_at=end_of_day(typed.get("ends_at")),
        eligibility=_conditions(typed, named),
        caps=_caps(typed),
    )
    told = await reader.api.send("POST", "/v1/programmes", body, key=typed.key)
    return conditions.by_names(told, named, reader.language)


async def ask(reader: Reader, programme_id: UUID, change: str, typed: Typed) -> Told:
    """Propose a change; another officer decides on it."""
    named = conditions.read(typed, reader.language)
    bodies: dict[str, dict[str, object]] = {
        "topup": given(amount_fen=fen(typed.get("amount"))),
        "rules": given(
            rate_fen=fen(typed.get("rate")),
            eligibility=_gone(typed, "eligibility") | _conditions(typed, named),
            caps=_gone(typed, "caps") | _caps(typed),
            effective_at=instant(typed.get("effective_at")),
        ),
    }
    body = bodies.get(change, given(note=typed.get("note")))
    told = await reader.api.send("POST", f"/v1/programmes/{programme_id}/{change}", body, key=typed.key)
    return conditions.by_names(told, named, reader.language)


async def decide(api: Api, programme_id: UUID, approval_id: UUID, typed: Typed) -> Told:
    """Approve or reject what another asked for; of one's own, take it back."""
    path = f"/v1/programmes/{programme_id}/approvals/{approval_id}"
    return await api.send("POST", path, given(decision=typed.get("decision")), key=typed.key)


async def freeze(api: Api, programme_id: UUID, typed: Typed) -> Told:
    """`payee` is a kind and an account: `carrier:<id>`."""
    party, _, payee_id = typed.get("payee", "").partition(":")
    body = given(
        programme_id=str(programme_id),
        to=typed.get("to"),
        **{"from": typed.get("from"), PAYEES.get(party, "carrier_id"): payee_id},
    )
    return await api.send("POST", "/v1/settlements", body, key=typed.key)


def _gone(typed: Typed, part: str) -> dict[str, object]:
    """Conditions, or limits, that are to be demanded no more: the API takes them away by null."""
    return dict.fromkeys(name for name in typed.many.get("gone", []) if name in TERMS[part])


def _conditions(typed: Typed, named: Conditions) -> dict[str, object]:
    """Conditions that were given; a box that is ticked demands what it names."""
    return given(
        poverty_832=True if "poverty_832" in typed else None,
        watch_52=True if "watch_52" in typed else None,
        adcodes=[code for each in named.adcodes for code in each.sent],
        produce=[slug for each in named.produce for slug in each.sent],
    )


def _caps(typed: Typed) -> dict[str, object]:
    names = ("per_producer_per_day", "per_carrier_per_day")
    return given(**{name: number(typed.get(name)) for name in names})
