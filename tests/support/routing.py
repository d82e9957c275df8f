"""What FastAPI read of a router's routes, kept for the next application that includes it.

At the first request to an application it reads the signatures of all its routes, which takes longer than most tests;
most applications of tests are made of the same routers, those of our modules.
"""

from dataclasses import fields
from typing import Any

from fastapi import routing

_read: Any = routing._IncludedRouter.effective_candidates  # type: ignore[attr-defined]
OF_ONE_APPLICATION = {"dependency_overrides_provider", "generate_unique_id_function"}
"""The first is for overrides, of which we have none; the other is made anew for each, and told by its code."""


def keep_what_was_read() -> None:
    routing._IncludedRouter.effective_candidates = _effective_candidates  # type: ignore[attr-defined]


def _effective_candidates(included: Any) -> Any:
    if not hasattr(included, "_same"):
        context = included.include_context
        ours = [getattr(context, field.name) for field in fields(context) if field.name not in OF_ONE_APPLICATION]
        ours.append(getattr(context.generate_unique_id_function, "__code__", None))
        before = included.original_router.__dict__.setdefault("_included_before", [])
        included._same = next((same for theirs, same in before if theirs == ours), included)
        if included._same is included:
            before.append((ours, included))
    return _read(included._same)
