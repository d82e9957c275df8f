"""What comes in from outside and has to be in the catalogue: types for pydantic, with sentences in both languages."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from catalogue import places, produce
from catalogue.geodesy import Point, gcj02_to_wgs84
from catalogue.reach import too_far_km


def _known_produce(slug: str) -> str:
    if produce.get(slug) is None:
        raise PydanticCustomError(
            "unknown_produce",
            "{en}",
            {"zh": "目录中没有此产品，见 /v1/produce。", "en": "The catalogue has no such produce; see /v1/produce."},
        )
    return slug


def _known_county(adcode: str) -> str:
    if places.get(adcode) is None:
        raise PydanticCustomError(
            "unknown_adcode",
            "{en}",
            {
                "zh": "没有此县级区划代码，见 /v1/places。",
                "en": "There is no county-level area of this code; see /v1/places.",
            },
        )
    return adcode


def _known_area(code: str) -> str:
    if places.area(code) is None:
        raise PydanticCustomError(
            "unknown_adcode", "{en}", {"zh": "没有此区划代码。", "en": "There is no area of this code."}
        )
    return code


def _begins_a_county(code: str) -> str:
    if not places.has_counties(code):
        raise PydanticCustomError(
            "unknown_adcode",
            "{en}",
            {"zh": "没有区划代码以此开头，见 /v1/places。", "en": "No adcode begins so; see /v1/places."},
        )
    return code


ProduceSlug = Annotated[str, AfterValidator(_known_produce)]
CountyAdcode = Annotated[str, AfterValidator(_known_county)]
AreaAdcode = Annotated[str, AfterValidator(_known_area)]
"""Of a county, a prefecture or a province."""
AdcodeBeginning = Annotated[str, Field(pattern=r"^[0-9]{2,6}$"), AfterValidator(_begins_a_county)]
"""The same, or how those of some counties begin."""


def _only_a_number(value: object) -> object:
    if isinstance(value, (bool, str)):
        raise PydanticCustomError("number_required", "{en}", {"zh": "必须是数字。", "en": "It must be a number."})
    return value


Crs = Literal["wgs84", "gcj02"]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), BeforeValidator(_only_a_number)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), BeforeValidator(_only_a_number)]


class PointIn(BaseModel):
    """A point as it comes in: WGS-84, or declared to be in Chinese map coordinates."""

    model_config = ConfigDict(extra="forbid")

    lon: Longitude
    lat: Latitude
    crs: Crs = "wgs84"

    def to_wgs84(self) -> Point:
        return _wgs84(self.lon, self.lat, self.crs)


class PlaceIn(BaseModel):
    """A county as it comes in, with a point in it where the sender knows one."""

    model_config = ConfigDict(extra="forbid")

    adcode: CountyAdcode
    lon: Longitude | None = None
    lat: Latitude | None = None
    crs: Crs = "wgs84"

    @model_validator(mode="after")
    def _point_is_whole_and_may_lie_in_the_county(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise PydanticCustomError(
                "half_a_point", "{en}", {"zh": "lon 与 lat 须同时给出。", "en": "lon and lat come together."}
            )
        if self.lon is None or self.lat is None:
            return self
        away_km = too_far_km(self.adcode, self.lon, self.lat)  # of whichever crs: they differ by less than 1 km
        if away_km is not None:
            raise PydanticCustomError(
                "point_elsewhere",
                "{en}",
                {
                    "zh": f"该点距此县驻地 {away_km:.0f} 公里，不可能在县内；请核对 adcode、lon 与 lat。",
                    "en": f"The point lies {away_km:.0f} km from this county's seat and can't be in the county; "
                    "check adcode, lon and lat.",
                },
            )
        return self

    def to_wgs84(self) -> Point | None:
        """The point that was sent; None when there was none."""
        if self.lon is None or self.lat is None:
            return None
        return _wgs84(self.lon, self.lat, self.crs)


def _wgs84(lon: float, lat: float, crs: Crs) -> Point:
    return gcj02_to_wgs84(lon, lat) if crs == "gcj02" else Point(lon, lat)
