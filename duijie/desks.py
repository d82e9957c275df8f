"""The database of a service for a command beside it: the one that a setting names, or that of a data folder."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from chassis.db import Database, is_transient
from chassis.settings import ServiceSettings
from duijie.databases import away, lets_nobody_in
from duijie.datafolder import MARKER, DataFolder, default_path
from duijie.problems import CannotStart, DatabaseTooOld
from duijie.store import database_of

NOT_THERE = ("42P01", "42703")
"""SQLSTATE of an unknown table, and of an unknown column."""


@asynccontextmanager
async def opened(service: str, settings: type[ServiceSettings], data: Path | None) -> AsyncIterator[Database]:
    """Raises CannotStart where it can't be used, or is of an older version. An OSError within is taken for its."""
    try:
        async with _database(service, settings, data) as db:
            yield db
    except Exception as error:
        if is_transient(error) or lets_nobody_in(error):
            raise away(service, error) from error
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in NOT_THERE:
            raise DatabaseTooOld(
                f"The database of {service} is too old for this: run `duijie migrate {service}`."
            ) from error
        raise


@asynccontextmanager
async def _database(service: str, settings: type[ServiceSettings], data: Path | None) -> AsyncIterator[Database]:
    if data is not None or not os.environ.get(f"DUIJIE_{service.upper()}_DATABASE_URL"):
        path = data or default_path()
        if not (path / MARKER).is_file():
            setting = f"DUIJIE_{service.upper()}_DATABASE_URL"
            raise CannotStart(f"{path} holds no platform: name its data folder with --data, or set {setting}.")
        async with database_of(DataFolder(path), service) as db:
            yield db
        return
    from duijie.wiring import told

    url = told(settings).database_url.get_secret_value()
    db = Database(url, source=f"/duijie/{service}", pool_size=1)
    try:
        yield db
    finally:
        await db.close()
