"""Phone numbers: one spelling of each (E.164), and how much of one is ever shown."""

import re
import unicodedata

from chassis.problems import Text
from chassis.validation import invalid

CHINA = "+86"
_FILLING = re.compile(r"[\s\-().]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")


def normalise(text: str) -> str:
    """E.164 of a number as people write it: `138 1234 5678` is `+8613812345678`.

    Without a country code it is a Chinese mobile number; `0086` and full-width digits count. Raises the
    validation error of a schema, which never repeats the number.
    """
    bare = _FILLING.sub("", unicodedata.normalize("NFKC", text))
    if bare.startswith("00"):
        bare = "+" + bare.removeprefix("00")
    if bare.startswith("861") and len(bare) == 13:
        bare = "+" + bare
    if not bare.startswith("+"):
        bare = CHINA + bare
    if not _is_valid(bare):
        raise invalid("phone", Text("不是有效的手机号码。", "It is not a valid phone number."))
    return bare


def masked(e164: str) -> str:
    """`138****5678`; of a number abroad its country and last two digits."""
    national = e164.removeprefix(CHINA)
    return f"{national[:3]}****{national[-4:]}" if national != e164 else f"{e164[:3]}****{e164[-2:]}"


def _is_valid(e164: str) -> bool:
    if e164.startswith(CHINA):
        return _MOBILE.fullmatch(e164.removeprefix(CHINA)) is not None
    return _E164.fullmatch(e164) is not None
