"""How often Python looks for cycles of garbage, of which a process of ours makes few."""

import gc

YOUNG_OBJECTS = 100_000
"""More than a batch of events is made of, which is mostly gone before anybody looks at it: with a fifth of this,
looking was a sixth of a consumer's time. What is loaded stays: looking through it was a fifth of a start."""


def look_seldom() -> None:
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
