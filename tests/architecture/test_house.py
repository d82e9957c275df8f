"""What import-linter can't say of the house."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "catalogue", "chassis", "services", "gateway", "duijie")
SERVICES = ("listing", "matching", "logistics")
PURE = {"optimiser", "routing"}
SLICE_FILES = {"api.py", "schemas.py", "service.py", "models.py", "queries.py", "handlers.py"}
HEAVY = {"scipy", "pyvrp", "pylmcf", "alembic", "typer"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def slices() -> list[Path]:
    """Folders of a service with at least one file of a slice's names, and not one of its pure parts."""
    return [
        folder
        for service in SERVICES
        for folder in sorted((ROOT / "services" / service).iterdir())
        if folder.is_dir() and folder.name not in PURE and SLICE_FILES & {file.name for file in folder.iterdir()}
    ]


def test_commit_and_rollback_stand_in_chassis_only() -> None:
    for path in sources():
        if path.is_relative_to(ROOT / "chassis"):
            continue
        assert not re.search(r"\b(commit|rollback)\(", path.read_text(encoding="utf-8")), path


def test_services_package_is_empty() -> None:
    assert (ROOT / "services" / "__init__.py").read_text(encoding="utf-8") == ""


def test_every_slice_is_held_by_the_import_rule() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [each for each in contracts if each["name"].startswith("in a slice")]
    found = {".".join(folder.relative_to(ROOT).parts) for folder in slices()}
    assert set(layers["containers"]) == found | {name for name in layers["containers"] if name.startswith("gateway.")}


def test_a_route_has_no_if() -> None:
    for folder in slices():
        api = folder / "api.py"
        if not api.exists():
            continue
        for node in ast.walk(ast.parse(api.read_text(encoding="utf-8"))):
            is_route = isinstance(node, ast.AsyncFunctionDef) and any(
                isinstance(each, ast.Call) and ast.unparse(each.func).startswith("router.")
                for each in node.decorator_list
            )
            if is_route:
                assert not any(isinstance(each, ast.If) for each in ast.walk(node)), f"{api}: {node.name}"


def test_nothing_is_sent_over_the_network_by_a_service_but_through_its_transport() -> None:
    for folder in slices():
        for path in folder.rglob("*.py"):
            assert "import httpx" not in path.read_text(encoding="utf-8"), path


def test_apis_and_workers_start_light() -> None:
    """Solvers and migrations are imported where they are used."""
    modules = [f"services.{service}.{part}" for service in SERVICES for part in ("app", "worker")]
    program = f"import sys, gateway.app, {', '.join(modules)}; print(*({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []


def test_readme_names_every_folder_of_the_tree() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for package in (*PACKAGES, "deploy", "docs", "tests"):
        assert f"{package}/" in readme, package


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE), target
