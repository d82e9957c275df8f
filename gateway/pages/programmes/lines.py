"""Lines of statements that an officer names in a form: what is asked of the API, and what it says of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self
from unicodedata import normalize
from uuid import UUID

from fastapi import Depends

from chassis.problems import Language, Text
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, form_with

FIELD = "wrong"
OF_LINE = Text("{line}：{why}", "{line}: {why}")
LinesForm = Annotated[Typed, Depends(form_with(FIELD))]
"""With all lines: one that was cut off would be paid, and what is left of one that was cut short may be another's. How
many it takes at once the API says."""


@dataclass(frozen=True, slots=True)
class Lines:
    """`member` is how the API calls them: `waybills`, or `match_ids` where the form says so."""

    member: str
    names: Sequence[str]

    @classmethod
    def of(cls, typed: Typed) -> Self:
        return cls("match_ids" if typed.get("of") == "match_ids" else "waybills", names_of(typed.get(FIELD, "")))

    def named_in(self, told: Told, language: Language) -> Told:
        """The same refusal, in which the field of the lines says once what is wrong with which of them."""
        whys = [(place, why) for place, why in told.faults().items() if place.startswith(f"{self.member}.")]
        if not whys:
            return told
        others = [each for each in told.said["errors"] if f"/{self.member}/" not in each["pointer"]]
        named = (
            OF_LINE.in_language(language, {"line": self.names[int(at.rpartition(".")[2])], "why": why})
            for at, why in whys
        )
        fault = {"pointer": f"#/{self.member}", "detail": " ".join(named)}
        return replace(told, said={**told.said, "errors": [*others, fault]})


async def with_lines(
    api: Api, path: str, listed: Sequence[Mapping[str, Any]], of: UUID | None
) -> Sequence[Mapping[str, Any]]:
    """What is listed at `path`; the one that is asked for with the lines that it is about, its `items`.

    One at a time: each may be about a thousand. Raises Refused and ServiceUnavailable.
    """
    if of is None:
        return listed
    whole = await api.get(f"{path}/{of}")
    return [whole if each["id"] == whole["id"] else each for each in listed]


def names_of(typed: str) -> list[str]:
    """What is parted by commas or the ends of lines, each once: a waybill may have blanks in it."""
    parted = normalize("NFKC", typed).replace("、", ",").replace(",", "\n").splitlines()
    return list(dict.fromkeys(name for each in parted if (name := each.strip())))
