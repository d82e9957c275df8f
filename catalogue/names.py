"""How names are compared: what people leave out of a place's name, and what typing adds to any name."""

import re
import unicodedata

# The peoples (族) that names of autonomous places in the table mention. Xinjiang's leave 族 out for some of them
# (木垒哈萨克自治县); elsewhere it must stand, or 长白朝鲜族自治县 would be cut to 长.
_PEOPLES = (
    "蒙古|回|藏|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|土|达斡尔|仫佬|羌|布朗|"
    "撒拉|毛南|仡佬|普米|怒|保安|裕固|独龙|各"
)
_BARE_PEOPLES = "蒙古|哈萨克|维吾尔|柯尔克孜|塔吉克|锡伯"
# Two characters have to stay: 内蒙古自治区 is 内蒙古, and 东乡族自治县 is nothing but its people's name.
_AUTONOMOUS = re.compile(
    rf"(?<=..)(?:(?:(?:{_PEOPLES})族)*(?:{_BARE_PEOPLES})?自治[区州县旗]|(?:(?:{_PEOPLES})族)+区)$"
)
# 井陉矿区 is also called 井陉, but 碑林区 is never called 碑.
_COMPOUND = re.compile(r"(?<=..)(?:新区|矿区|林区|特区|行政区)$")
_PLAIN = re.compile(r"(?:地区|[省市县区旗盟])$")

SUFFIXES = frozenset({*"省市县区旗州盟", "地区", "自治区", "自治州", "自治县", "自治旗", "新区"})


def normalise(text: str) -> str:
    """Full-width forms, case, blanks and punctuation make no difference between two names."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def short_names(name: str) -> tuple[str, ...]:
    """What is left of an area's name when its suffix is left out: 泗阳县 → 泗阳, 恭城瑶族自治县 → 恭城.

    Empty for a name without a suffix. 东乡族自治县 has nothing but its people's name, which then stays: 东乡.
    """
    if _AUTONOMOUS.search(name):
        return (_AUTONOMOUS.sub("", name).removesuffix("族"),)
    shorts = (_PLAIN.sub("", name), _COMPOUND.sub("", name))
    return tuple(dict.fromkeys(short for short in shorts if short not in {name, ""}))
