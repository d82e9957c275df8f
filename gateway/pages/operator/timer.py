"""The switch of the rounds: every so many seconds, or only on demand."""

from dataclasses import dataclass

from gateway.pages.asking import Api
from gateway.pages.forms import number

DEFAULT_S = "1"


@dataclass(frozen=True, slots=True)
class Timer:
    """The form: what it holds, and what is wrong with that."""

    seconds: str
    fault: str = ""
    status: int = 200

    @property
    def is_set(self) -> bool:
        return not self.fault


def as_it_is(interval_s: float | None) -> Timer:
    """The form as the page opens with it; while rounds are paused, or nobody tells, with what resumes them."""
    return Timer(f"{interval_s:g}" if interval_s else DEFAULT_S)


async def change(api: Api, seconds: str) -> Timer:
    """Set it. What is no number goes to the API as it was typed: its own words say what is wrong."""
    told = await api.send("PUT", "/v1/rounds/interval", {"seconds": number(seconds)})
    if told.ok:
        return Timer(seconds)
    return Timer(seconds, told.faults().get("seconds") or told.said["detail"], told.status)
