"""How money, mass, time and prose are shown: filters of the templates, and what also depends on the language."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from catalogue.days import CHINA, span_of
from chassis.problems import Language, Text

FEN_PER_YUAN = 100
DAY_H = 24
EXACT_H = 10
"""Below it the tenths of an hour are told, too."""
LONG_DAYS = 10
"""From here on days are told alone."""
LONG_H = 48
"""From here on hours are told in days."""
URGENT_H = 24
SOON_H = 72
"""Of what is left of a lot's life: how its badge says so."""

HOURS = Text("{hours} 小时", "{hours} h")
DAYS = Text("{days} 天", "{days} d")
DAYS_HOURS = Text("{days} 天 {hours} 小时", "{days} d {hours} h")
BLANK = re.compile(r"{(\w+)}")
NOTHING_LEFT = Text("已过期", "over")


def prose(text: str) -> Markup:
    """The text with its `code spans` as such; everything in it is escaped."""
    parts = str(escape(text)).split("`")
    return Markup("".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts)))


def yuan(fen: int) -> str:
    """`1234567` fen as `12,345.67`: exact, since money is integer."""
    sign, whole, rest = "-" if fen < 0 else "", abs(fen) // FEN_PER_YUAN, abs(fen) % FEN_PER_YUAN
    return f"{sign}{whole:,}.{rest:02}"


def kg(quantity_kg: float) -> str:
    """With at most three decimals, and none that say nothing: `1200.5` as `1,200.5`."""
    return f"{quantity_kg:,.3f}".rstrip("0").rstrip(".")


def about_kg(quantity_kg: float) -> str:
    """What is reckoned, and not weighed, in whole kilograms; what is something but less than one as `<1`."""
    return "<1" if 0 < quantity_kg < 1 else f"{quantity_kg:,.0f}"


def by_name(name: str) -> tuple[bool, bytes]:
    """In what order names stand in a list: by their pinyin, as GB 18030 has common characters, and those that are not
    Chinese behind, by the alphabet.
    """
    return name.isascii(), name.casefold().encode("gb18030")


def at(instant: str | datetime) -> datetime:
    """An RFC 3339 instant, by the clocks of China."""
    read = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return read.astimezone(CHINA)


def clock(instant: str | datetime) -> str:
    """`11-29 14:05`, by the clocks of China."""
    return at(instant).strftime("%m-%d %H:%M")


def day(instant: str | datetime) -> str:
    """`2026-11-29`, by the clocks of China."""
    return at(instant).date().isoformat()


def last_day(ends: str | datetime) -> str:
    """The last day of a span that ends at that instant, which is not of it: at midnight it is the day before."""
    return day(at(ends) - timedelta(microseconds=1))


def period(begins: str | datetime, ends: str | datetime) -> str:
    """Its days, the last one, too: `2026-12-01 – 2026-12-31`; the instant `ends` is not of it."""
    return span_of(at(begins), at(ends))


def count(number: int) -> str:
    """`2871` as `2,871`."""
    return f"{number:,}"


def local(instant: str | datetime | None) -> str:
    """`2026-11-29T14:05`, by the clocks of China, as a field of a form takes it; empty for none."""
    return at(instant).strftime("%Y-%m-%dT%H:%M") if instant else ""


def for_long(language: Language, hours: float) -> str:
    """Hours left, as one says them: `5.5 小时`, `3 d 4 h`."""
    if hours <= 0:
        return NOTHING_LEFT.in_language(language)
    if hours < LONG_H:
        exact = f"{hours:.1f}".rstrip("0").rstrip(".")
        return HOURS.in_language(language, {"hours": exact if hours < EXACT_H else int(hours)})
    days, rest = divmod(round(hours), DAY_H)
    text = DAYS_HOURS if rest and days < LONG_DAYS else DAYS
    return text.in_language(language, {"days": days, "hours": rest})


def for_long_words(language: Language) -> dict[str, str]:
    """What `for_long` says, with its blanks, for a script that says the same."""
    words = {"hours": HOURS, "days": DAYS, "days_hours": DAYS_HOURS, "over": NOTHING_LEFT}
    return {name: text.in_language(language) for name, text in words.items()}


def filled(text: str, told: Mapping[str, object]) -> str:
    """The text with its blanks (`{name}`) filled in, once; a blank that nothing is told of stays."""
    return BLANK.sub(lambda blank: str(told.get(blank[1], blank[0])), text)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "prose": prose,
    "yuan": yuan,
    "kg": kg,
    "about_kg": about_kg,
    "clock": clock,
    "day": day,
    "last_day": last_day,
    "period": period,
    "count": count,
    "filled": filled,
    "local": local,
}
BY_LANGUAGE: Mapping[str, Callable[..., Any]] = {"for_long": for_long, "for_long_words": for_long_words}
"""Given to each template as functions of what is left."""
