"""What an officer does on the pages: each form becomes one request to the API."""

from uuid import UUID

from catalogue import places, produce
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, end_of_day, fen, given, instant, number

PAYEES = {"carrier": "carrier_id", "producer": "producer_id"}


async def open_programme(api: Api, typed: Typed) -> Told:
    """It is active from its first day; the last one that was typed counts as a whole.

    Raises ServiceUnavailable, as all of these do; a refusal is in what is told.
    """
    body = given(
        name=typed.get("name"),
        funder=typed.get("funder"),
        kind=typed.get("kind"),
        budget_fen=fen(typed.get("budget")),
        rate_fen=fen(typed.get("rate")),
        starts_at=instant(typed.get("starts_at")),
        ends_at=end_of_day(typed.get("ends_at")),
        eligibility=_conditions(typed),
        caps=_caps(typed),
    )
    return await api.send("POST", "/v1/programmes", body, key=typed.key)


async def ask(api: Api, programme_id: UUID, change: str, typed: Typed) -> Told:
    """Propose a change; another officer decides on it."""
    bodies: dict[str, dict[str, object]] = {
        "topup": given(amount_fen=fen(typed.get("amount"))),
        "rules": given(
            rate_fen=fen(typed.get("rate")),
            eligibility=_conditions(typed),
            caps=_caps(typed),
            effective_at=instant(typed.get("effective_at")),
        ),
    }
    body = bodies.get(change, given(note=typed.get("note")))
    return await api.send("POST", f"/v1/programmes/{programme_id}/{change}", body, key=typed.key)


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


async def pay(api: Api, settlement_id: UUID, typed: Typed) -> Told:
    """Tell that the statement was paid, and by which transfer of the bank."""
    body = given(reference=typed.get("reference"))
    return await api.send("POST", f"/v1/settlements/{settlement_id}/pay", body, key=typed.key)


async def review(api: Api, flag_id: UUID, typed: Typed) -> Told:
    """Clear or confirm a flag, which holds the payout until then."""
    body = given(verdict=typed.get("verdict"), note=typed.get("note"))
    return await api.send("POST", f"/v1/flags/{flag_id}/review", body, key=typed.key)


def _conditions(typed: Typed) -> dict[str, object]:
    """Conditions that were given; a box that is ticked demands what it names."""
    return given(
        poverty_832=True if "poverty_832" in typed else None,
        watch_52=True if "watch_52" in typed else None,
        adcodes=[_code_of(each) for each in _words(typed.get("adcodes"))],
        produce=[_slug_of(each) for each in _words(typed.get("produce"))],
    )


def _caps(typed: Typed) -> dict[str, object]:
    names = ("per_producer_per_day", "per_carrier_per_day")
    return given(**{name: number(typed.get(name)) for name in names})


def _code_of(word: str) -> str:
    """Of the one county that is called so; what is none goes on as it is, and the API says so."""
    found = None if word.isdigit() else places.resolve(word)
    return word if found is None else found.adcode


def _slug_of(word: str) -> str:
    """The same of produce: money goes by it, so nothing that is only called alike is taken."""
    found = [each.slug for each in produce.search(word) if word in {each.slug, each.name_zh}]
    return found[0] if found else word


def _words(typed: str | None) -> list[str]:
    """What is parted by blanks or commas."""
    return (typed or "").replace("，", " ").replace(",", " ").replace("、", " ").split()
