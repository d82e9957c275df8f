"""Folders for servers that a test may kill."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from duijie.postgres import EmbeddedPostgres
from tests.support.postgres import temporary_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that the database's user may walk through."""
    with temporary_folder() as made:
        yield made


@pytest.fixture(scope="session")
def first_start() -> Iterator[Path]:
    """A server's folder after its first start: initdb is most of the time that a server of one's own takes."""
    with temporary_folder() as made:
        server = EmbeddedPostgres(made / "postgres", durable=False)
        server.start()
        server.stop()
        yield server.folder


@pytest.fixture
def started_before(folder: Path, first_start: Path) -> Path:
    """A folder of this test's own on which a server ran before."""
    subprocess.run(["cp", "-a", first_start, folder], check=True)  # owners too
    return folder / first_start.name
