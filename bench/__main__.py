"""Run every program, one after the other, and write `docs/benchmarks.md`. With --smoke: only see that each works.

What was measured lies in `docs/benchmarks.json`, from which the page is made: programs can be named, to renew theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import bench

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = PAGE.with_suffix(".json")

HEAD = """\
# Benchmarks

Written by `make bench`, whole or program by program (`make bench P="relay consume"`): each says when, and on what.
Each row is a program of `bench/`, run as `python -m bench.<program>`. Both sides of a comparison do the same work on
the same machine with the same durability, in turns (A B A B …), {repeats} times; the figure is the median of the ratios
of neighbours, the numbers beside it are each side's median. A figure without a peer is in its own unit. CPU counts
every process that took part, the database's and the broker's among them, for 1,000 operations. Ratios can be compared
between machines; the rest can't. A run whose work was wrong has no figure.
"""


def programs() -> dict[str, ModuleType]:
    """Every module of `bench` that has bars, by its name."""
    modules = {
        each.name: import_module(f"bench.{each.name}")
        for each in pkgutil.iter_modules(bench.__path__)
        if each.name != "__main__"
    }
    return {name: module for name, module in modules.items() if hasattr(module, "program")}


def run(name: str, *, smoke: bool) -> list[dict[str, Any]] | None:
    """The outcomes of one program in a process of its own, or None when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", f"bench.{name}", "--json", str(result), *(["--smoke"] if smoke else [])]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            return None
        outcomes: list[dict[str, Any]] = json.loads(result.read_text(encoding="utf-8"))
        return outcomes


def measured_now(outcomes: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """One program's part of `docs/benchmarks.json`: its outcomes (none when it failed), the day, and the machine."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    machine = f"{os.cpu_count()} cores, {memory_gb:.0f} GB"
    return {"date": datetime.now(UTC).date().isoformat(), "machine": machine, "outcomes": list(outcomes or ())}


def page(results: Mapping[str, Mapping[str, Any]], modules: Mapping[str, ModuleType]) -> str:
    """The whole of `docs/benchmarks.md`, of what was last measured of each program."""
    from bench.harness import REPEATS

    parts = [HEAD.format(repeats=REPEATS)]
    parts.append("| what | ours | peer | figure | bar | aim | |\n|---|---|---|---|---|---|---|")
    parts[-1] += "".join(f"\n{_row(each)}" for name in modules for each in results.get(name, {}).get("outcomes", ()))
    for name, module in modules.items():
        parts.append(f"## {name}\n\n{(module.__doc__ or '').strip()}")
        result = results.get(name)
        if result is None:
            parts.append("It was not measured yet.")
            continue
        parts.append(f"Measured on {result['date']}: {result['machine']}.")
        parts += [_sides(each) for each in result["outcomes"]] or ["It failed; there is no figure."]
        if result["outcomes"] and hasattr(module, "chart"):
            parts.append(module.chart(result["outcomes"]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _row(outcome: Mapping[str, Any]) -> str:
    bar = outcome["bar"]
    sign = "≥" if bar["better"] == "more" else "≤"
    cells = [
        bar["ours"],
        _value(outcome["ours"], bar["unit"]),
        _value(outcome["peer"], bar["unit"]) if outcome["peer"] else "",
        f"**{outcome['figure']:.3g}**",
        f"{sign} {bar['first']:g}",
        f"{sign} {bar['aim']:g}",
        outcome["verdict"],
    ]
    return f"| {' | '.join(cells)} |"


def _sides(outcome: Mapping[str, Any]) -> str:
    bar = outcome["bar"]
    lines = [f"- **{bar['name']}**, ours: {bar['ours']}; {_all(outcome['ours'], bar['unit'])}"]
    if outcome["peer"]:
        lines.append(f"- peer: {bar['peer']}; {_all(outcome['peer'], bar['unit'])}")
    return "\n".join(lines)


def _all(side: Mapping[str, Any], unit: str) -> str:
    text = f"{', '.join(f'{each:,.4g}' for each in side['values'])} {unit}"
    if side["cpu_s_per_1000"]:
        text += f"; {_median(side['cpu_s_per_1000']):.3g} s of CPU for 1,000"
    return text


def _value(side: Mapping[str, Any], unit: str) -> str:
    return f"{_median(side['values']):,.4g} {unit}"


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _keep(results: Mapping[str, Mapping[str, Any]], modules: Mapping[str, ModuleType]) -> None:
    """Renew these programs' results, and the page."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known |= results
    RESULTS.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(known, modules), encoding="utf-8")
    print(f"\nwritten to {PAGE.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="seconds each; nothing is written")
    parser.add_argument("--page", action="store_true", help="only write the page anew, of what was measured")
    parser.add_argument("programs", nargs="*", help="only these; the others keep what was measured of them")
    arguments = parser.parse_args()
    modules = programs()
    unknown = set(arguments.programs).difference(modules)
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}; there are {', '.join(modules)}")
    asked = [] if arguments.page else arguments.programs or list(modules)
    outcomes = {name: run(name, smoke=arguments.smoke) for name in asked}
    failed = [name for name, found in outcomes.items() if found is None]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    if not arguments.smoke:
        _keep({name: measured_now(found) for name, found in outcomes.items()}, modules)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
