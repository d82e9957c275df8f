"""The package's own CSV files, read from wherever the package is installed."""

import csv


def rows(filename: str) -> list[dict[str, str]]:
    """The rows of ``data/<filename>``, as text."""
    from importlib.resources import files  # 10 ms: paid at the first look-up, not at the import

    text = (files("catalogue") / "data" / filename).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
