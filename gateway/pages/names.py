"""What produce and places are called on the pages."""

from catalogue import places, produce
from catalogue.produce import Produce
from chassis.problems import Language


def name_of(kind: Produce, language: Language) -> str:
    """In the reader's language."""
    return kind.name_zh if language == "zh-CN" else kind.name_en


def produce_name(slug: str, language: Language) -> str:
    """Of the produce of that slug; one that the catalogue does not have goes by its slug."""
    known = produce.get(slug)
    return slug if known is None else name_of(known, language)


def area_name(code: str) -> str:
    """Of a county, or of the area whose codes begin so; a code of nowhere goes by itself."""
    found = None if places.get(code) else places.area(code)
    return place_name(code) if found is None else "".join(dict.fromkeys((found.province, found.name)))


def place_name(adcode: str) -> str:
    """The whole name of that county; a code of nowhere goes by itself."""
    known = places.get(adcode)
    return adcode if known is None else known.full_name
