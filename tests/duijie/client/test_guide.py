"""docs/guides/partners.md: what it shows of the client does what it says."""

import re
import textwrap
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import duijie.client
from duijie.client import Duijie, Order, Problem
from tests.support.rough import Asked, Said, rough

GUIDE = (Path(__file__).parents[3] / "docs/guides/partners.md").read_text(encoding="utf-8")
SHOWN = [textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```", GUIDE, re.DOTALL | re.MULTILINE)]
ORDER = Order.model_construct(id=UUID(int=7), version=3)


def run(shown: str, **names: Any) -> Any:
    """What this piece of the guide is, as the body of a coroutine."""
    there: dict[str, Any] = {}
    head = f"async def piece({', '.join(names)}):\n"
    exec(f"{head}{textwrap.indent(shown, '    ')}\n    return order", there)
    return there["piece"](**names)


def test_every_piece_is_python_and_takes_what_there_is() -> None:
    for shown in SHOWN:
        compile(f"async def piece():\n{textwrap.indent(shown, '    ')}", "guide", "exec")
    imported = [name for names in re.findall(r"from duijie.client import (.*)", GUIDE) for name in names.split(", ")]
    assert imported
    assert set(imported) <= set(duijie.client.__all__)


@pytest.mark.parametrize(("status", "slug"), [(412, "stale-version"), (409, "order-closed")])
async def test_the_version_that_was_read_goes_with_the_change_and_a_stale_one_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, status: int, slug: str
) -> None:
    (shown,) = [each for each in SHOWN if "change_order" in each]
    refusal = Said.json({"type": f"/problems/{slug}"}, status)

    async def read(_: UUID) -> Order:
        return ORDER

    def answer(asked: Asked) -> Said:
        assert (asked.method, asked.target) == ("PATCH", f"/v1/orders/{ORDER.id}")
        assert asked.headers["if-match"] == '"3"'
        return refusal

    async with rough(answer) as server, Duijie(server.url) as caller:
        monkeypatch.setattr(caller, "order", read)
        piece = run(shown, duijie=caller, order_id=ORDER.id)
        if status == 412:
            assert await piece is ORDER
        else:
            with pytest.raises(Problem, match=slug):
                await piece
        assert len(server.asked) == 1
