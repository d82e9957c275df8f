"""The counties and produce of a rule, by the names that an officer types: money goes by them, so what is only called
alike is asked back and never taken."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from unicodedata import normalize

from catalogue import places, produce
from catalogue.places import Level
from chassis.problems import Language, Text
from gateway.pages import placing
from gateway.pages.asking import Told
from gateway.pages.forms import Typed
from gateway.pages.names import area_name, name_of
from gateway.pages.ordering import CHOICES_MAX, WHICH_PLACE
from gateway.pages.shown import by_name

CODE_MIN_CHARS = 2
COMMA = re.compile(r"[,、;\n](?![^(]*\))")
"""What parts names, but not within brackets: “Lettuce (iceberg, romaine)” is one."""
BLANK = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])|(?<=\d)\s+(?=\d)")
"""Blanks part Chinese names and codes; in an English name they are a part of it."""
WHICH_AREA = Text("有几个地方叫这个名称，请在下面选。", "Several places go by that name; choose below.")
NO_CODE = Text("没有区划代码以此开头。", "No place's code begins so.")
WITHIN = Text(
    "一处在另一处之内，不知指的是哪一处，请在下面选。",
    "One of them lies within another, so that it may be either; choose below.",
)
NO_KIND = Text(
    "没有这种农产品；名称见下面的“全部农产品”，以逗号分开。",
    "There is no such produce; see “All produce” below, and put commas between names.",
)
WHICH_KIND = Text("没有正好叫这个名称的，请在下面选。", "Nothing goes by just that name; choose below.")
SAID = Text("{word}：{why}", "{word}: {why}")


@dataclass(frozen=True, slots=True)
class Named:
    """A name as it was typed, and the codes that it stands for. Where it says not which there are none: `why` tells so.
    `choices`: what it may be, by code, where it had to be asked; `ticked` are those of them that were meant."""

    word: str
    codes: Sequence[str]
    choices: Mapping[str, str] = field(default_factory=dict)
    ticked: Sequence[str] = ()
    why: Text | None = None

    @property
    def may_be(self) -> Sequence[str]:
        """The whole codes of what it may stand for."""
        return list(self.choices) or [code.ljust(Level.COUNTY.digits, "0") for code in self.codes]

    @property
    def sent(self) -> Sequence[str]:
        """Of what is not known the word itself, which the API refuses."""
        return self.codes or [self.word]

    def told(self, language: Language) -> str:
        """What to say beside the field; empty where it is clear."""
        if self.why is None:
            return ""
        return SAID.in_language(language, {"word": self.word, "why": self.why.in_language(language)})


@dataclass(frozen=True, slots=True)
class Conditions:
    """By the members of `eligibility` that they are."""

    adcodes: Sequence[Named] = ()
    produce: Sequence[Named] = ()


NO_CONDITIONS = Conditions()


def read(typed: Typed, language: Language) -> Conditions:
    """Of a form's two fields, with what was ticked below them."""
    areas, kinds = typed.many.get("which_adcodes", ()), typed.many.get("which_produce", ())
    return Conditions(
        [area for part in _parts(typed.get("adcodes")) for area in _areas(part, areas)],
        [_kind(word, kinds, language) for part in _parts(typed.get("produce")) for word in part],
    )


def all_kinds(language: Language) -> Sequence[str]:
    """What produce is called, in the order of a list."""
    return sorted((name_of(each, language) for each in produce.all_produce()), key=by_name)


def by_names(told: Told, conditions: Conditions, language: Language) -> Told:
    """The same refusal, in which each of the two fields says once what is wrong with which of its names."""
    if told.ok or not told.faults():
        return told
    errors: Sequence[Mapping[str, Any]] = told.said["errors"]
    for member, named in (("adcodes", conditions.adcodes), ("produce", conditions.produce)):
        pointer = f"#/eligibility/{member}"
        whys = [why for each in named if (why := each.told(language))]
        if whys:
            others = [each for each in errors if not each["pointer"].startswith(pointer)]
            errors = [*others, {"pointer": pointer, "detail": " ".join(whys)}]
    return replace(told, said={**told.said, "errors": errors})


def _parts(typed: str | None) -> list[list[str]]:
    """What stands between commas, and the names in it, each once in all; full-width letters and digits as plain."""
    plain = normalize("NFKC", typed or "")
    seen: dict[str, None] = {}
    parts = []
    for part in COMMA.split(plain):
        words = [" ".join(word.split()) for word in BLANK.split(part.strip())]
        parts.append([word for word in dict.fromkeys(words) if word and word not in seen])
        seen |= dict.fromkeys(words)
    return parts


def _areas(words: Sequence[str], ticked: Collection[str]) -> list[Named]:
    """Of names with only blanks between. “江苏 泗阳” may be the county, or all of the province: it is asked back."""
    named = [_area(word, ticked) for word in words]
    doubtful = {at for outer in named for inner in named if _holds(outer, inner) for at in (outer.word, inner.word)}
    if not doubtful:
        return named
    asked = [each for each in named if each.word in doubtful]
    choices = {code: area_name(_beginning(code)) for each in asked for code in each.may_be}
    whole = _asked(" ".join(each.word for each in asked), choices, ticked, WITHIN, _beginning)
    return [whole, *(each for each in named if each.word not in doubtful)]


def _holds(outer: Named, inner: Named) -> bool:
    """Whether a place that the one may be lies within one that the other may be, of which a name was typed."""
    if outer is inner or outer.word.isdecimal():
        return False
    begins = [_beginning(code) for code in outer.may_be]
    return any(code.startswith(each) and _beginning(code) != each for code in inner.may_be for each in begins)


def _area(word: str, ticked: Collection[str]) -> Named:
    if word.isdecimal():
        is_any = len(word) >= CODE_MIN_CHARS and bool(places.search(word, limit=1))
        return Named(word, [_beginning(word)]) if is_any else Named(word, (), why=NO_CODE)
    meant = placing.part(word)
    if meant.code is not None:
        return Named(word, [_beginning(meant.code)])
    why = WHICH_AREA if meant.why is WHICH_PLACE else meant.why
    return _asked(word, meant.choices, ticked, why, _beginning)


def _kind(word: str, ticked: Collection[str], language: Language) -> Named:
    found = produce.search(word, limit=CHOICES_MAX)
    exact = [each.slug for each in found if word.casefold() in {each.slug, each.name_zh, each.name_en.casefold()}]
    if exact:
        return Named(word, exact[:1])
    choices = {each.slug: name_of(each, language) for each in found}
    return _asked(word, choices, ticked, WHICH_KIND if choices else NO_KIND)


def _asked(
    word: str,
    choices: Mapping[str, str],
    ticked: Collection[str],
    why: Text | None,
    code_of: Callable[[str], str] = str,
) -> Named:
    meant = [each for each in choices if each in ticked]
    return Named(word, [code_of(each) for each in meant], choices, meant, None if meant else why)


def _beginning(code: str) -> str:
    """As rules name a place: the whole code of a county, of what is larger how the codes in it begin."""
    return code if places.get(code) is not None else places.adcode_prefix(code)
