"""What several groups of commands take from who calls them."""

from pathlib import Path
from typing import Annotated

import typer

DataOfDesk = Annotated[
    Path | None,
    typer.Option(help="The data folder of a platform on one machine; without it the database that a setting names."),
]
"""Of commands that work at a service's database: see `desks.opened`."""
