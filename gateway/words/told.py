"""What a reader is told of an operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis.problems import Text


@dataclass(frozen=True, slots=True)
class Told:
    """`refusals`: the problems of its own, slugs by status, beside those that every such operation may answer with."""

    summary: Text
    about: Text | None = None
    refusals: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


FOLLOWING: dict[int, tuple[str, ...]] = {429: ("too-many-streams",), 503: ("streams-full",)}
"""What a stream may be refused with."""
