"""The counties and produce of a rule by their names: taken where a name says which, asked back where it does not."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from catalogue.produce import all_produce
from chassis.problems import Language
from gateway.pages.forms import Typed
from gateway.pages.names import name_of
from gateway.pages.ordering import NO_PLACE, SPELT_LIKE
from gateway.pages.programmes import conditions
from gateway.pages.programmes.conditions import NO_CODE, NO_KIND, WHICH_AREA, WHICH_KIND, WITHIN, Named
from gateway.tokens import Signer
from tests.gateway.pages.played import Asked, Played
from tests.gateway.support import bearer

ZH = {"Accept-Language": "zh-CN"}
ID = "01900000-0000-7000-8000-000000000000"


def read(member: str, text: str, *ticked: str) -> list[Named]:
    typed = Typed({member: text})
    typed.many = {f"which_{member}": list(ticked)}
    return list(getattr(conditions.read(typed, "zh-CN"), member))


@pytest.fixture
def logistics() -> Played:
    played = Played()

    def refused(asked: Asked) -> dict[str, Any]:
        """As the API does: each name of a place that is no code."""
        errors = [
            {"pointer": f"#/eligibility/{member}/{at}", "detail": "no code"}
            for member, told in asked.body["eligibility"].items()
            for at, code in enumerate(told)
            if not code.isascii()
        ]
        return {"type": "/problems/invalid-input", "title": "no", "detail": "not so", "status": 422, "errors": errors}

    played.say("/v1/programmes", refused, method="POST", status=422)
    return played


@pytest.fixture
def officer(signer: Signer) -> dict[str, str]:
    return bearer(signer, "programme_officer", uuid4()) | ZH


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("泗阳", ["321323"]),
        ("泗阳、江苏，南京", ["321323", "32", "3201"]),
        ("3213 61 320100 东莞", ["3213", "61", "3201", "441900"]),
        ("３２１３　泗阳 泗阳", ["3213", "321323"]),
    ],
)
def test_a_name_that_says_which_is_a_county_or_how_the_codes_of_an_area_begin(typed: str, codes: list[str]) -> None:
    assert [code for each in read("adcodes", typed) for code in each.sent] == codes


@pytest.mark.parametrize(
    ("typed", "why"),
    [("朝阳", WHICH_AREA), ("泗洋县", SPELT_LIKE), ("蓬莱仙岛", NO_PLACE), ("99", NO_CODE), ("3", NO_CODE)],
)
def test_a_name_that_says_not_which_is_sent_as_it_is_and_the_reason_told_with_it(typed: str, why: Any) -> None:
    (named,) = read("adcodes", typed)
    assert (named.sent, named.why) == ([typed], why)
    assert named.told("zh-CN") == f"{typed}：{why.zh}"


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("江苏 泗阳", {"320000": "江苏省", "321323": "江苏省宿迁市泗阳县"}),
        ("泗阳　江苏", {"320000": "江苏省", "321323": "江苏省宿迁市泗阳县"}),
        ("山东 济南", {"370000": "山东省", "370100": "山东省济南市"}),
    ],
)
def test_a_place_beside_one_that_it_lies_in_is_asked_back_and_never_taken_for_the_whole(
    typed: str, choices: dict[str, str]
) -> None:
    (named,) = read("adcodes", typed)
    assert (named.codes, named.why, dict(named.choices)) == ([], WITHIN, choices)
    county = max(choices)
    (ticked,) = read("adcodes", typed, county)
    assert ticked.sent == [county if county == "321323" else "3701"]


def test_of_a_city_beside_a_name_of_several_counties_none_is_taken_and_other_names_go_on() -> None:
    whole, other = read("adcodes", "北京 朝阳 泗阳")
    assert (whole.word, whole.codes, whole.why) == ("北京 朝阳", [], WITHIN)
    assert {"110000", "110105", "211300"} <= set(whole.choices)
    assert other.sent == ["321323"]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("between", [", ", "、", "；", "\n"])
def test_every_name_of_the_catalogue_is_taken_for_its_own_produce_and_no_other(
    language: Language, between: str
) -> None:
    kinds = all_produce()
    names = [name_of(kind, language) for kind in kinds]
    for name, kind in zip(names, kinds, strict=True):
        assert [(each.word, each.sent) for each in read("produce", name)] == [(name, [kind.slug])]
    assert [code for each in read("produce", between.join(names)) for code in each.sent] == [
        kind.slug for kind in kinds
    ]


def test_english_names_with_only_a_blank_between_are_asked_back() -> None:
    (named,) = read("produce", "strawberry potato")
    assert (named.codes, named.why) == ([], NO_KIND)
    assert [each.sent for each in read("produce", "草莓 sweet  Potato 土豆")] == [
        ["strawberry"],
        ["sweet-potato"],
        ["potato"],
    ]


def test_several_of_those_that_go_by_a_name_may_be_meant() -> None:
    (named,) = read("adcodes", "朝阳", "110105", "211300", "654321")
    assert sorted(named.codes) == ["110105", "2113"]
    assert named.why is None


def test_produce_is_taken_by_its_whole_name_alone_and_else_offered() -> None:
    exact, alike, none = read("produce", "草莓 莓 蟠桃会")
    assert (exact.codes, exact.why) == (["strawberry"], None)
    assert (alike.codes, alike.why) == ([], WHICH_KIND)
    assert alike.choices["blueberry"] == "蓝莓"
    assert (none.sent, none.why, none.choices) == (["蟠桃会"], NO_KIND, {})
    (ticked,) = read("produce", "莓", "blueberry", "cranberry")
    assert ticked.sent == ["blueberry", "cranberry"]


async def test_every_name_that_is_not_known_is_told_beside_its_field_and_nothing_of_codes(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    form = {"adcodes": "泗阳 朝阳 蓬莱仙岛", "produce": "莓"}
    page = await client.post("/programmes/new", data=form, headers=officer)
    assert page.status_code == 422
    (fault,) = re.findall(r'id="adcodes-fault">([^<]*)<', page.text)
    assert fault == f"朝阳：{WHICH_AREA.zh} 蓬莱仙岛：{NO_PLACE.zh}"
    assert f'id="produce-fault">莓：{WHICH_KIND.zh}' in page.text
    assert "no code" not in page.text, "neither above the form nor beside"
    assert "/v1/" not in page.text
    assert 'name="which_adcodes" value="110105">北京市朝阳区' in page.text
    assert 'name="which_produce" value="blueberry">蓝莓' in page.text


async def test_what_was_ticked_is_what_the_rule_is_for(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/programmes", {"id": ID}, method="POST", status=201)
    form = {
        "adcodes": "朝阳 泗阳",
        "which_adcodes": ["110105", "211300"],
        "produce": "莓",
        "which_produce": "blueberry",
    }
    made = await client.post("/programmes/new", data=form, headers=officer)
    assert made.status_code == 303
    (asked,) = logistics.requests("POST", "/v1/programmes")
    assert sorted(asked.body["eligibility"]["adcodes"]) == ["110105", "2113", "321323"]
    assert asked.body["eligibility"]["produce"] == ["blueberry"]


async def test_the_form_names_all_produce_there_is(client: httpx.AsyncClient, officer: dict[str, str]) -> None:
    page = (await client.get("/programmes/new", headers=officer)).text
    (listed,) = re.findall(r"<summary>全部农产品</summary><p>([^<]*)</p>", page)
    assert sorted(listed.split("、")) == sorted(kind.name_zh for kind in all_produce())
