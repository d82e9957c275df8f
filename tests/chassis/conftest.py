"""A database with the chassis' own tables and one more, `notes`, on which a service could stand."""

from collections.abc import AsyncIterator
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, Table, Text, Uuid
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.db import Database
from chassis.erasure import Erasures
from chassis.importing import imports_table
from chassis.tables import METADATA, new_metadata
from contracts.event import Event
from duijie.postgres import EmbeddedPostgres
from tests.support.postgres import emptied_database, template_database

NOTES_METADATA = new_metadata()
NOTES = Table("notes", NOTES_METADATA, Column("id", Integer, primary_key=True), Column("text", Text, nullable=False))

THINGS = Table("imported", NOTES_METADATA, Column("id", Uuid, primary_key=True), Column("text", Text, nullable=False))
IMPORTS = imports_table(NOTES_METADATA)
ERASED = Erasures(NOTES_METADATA)


class NoteWritten(Event):
    """A fact for these tests alone."""

    TOPIC: ClassVar[str] = "test.notes.v1"
    TYPE: ClassVar[str] = "duijie.test.note_written"

    note_id: UUID
    number: int

    @property
    def key(self) -> str:
        return str(self.note_id)


async def make_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.run_sync(NOTES_METADATA.create_all)
    await engine.dispose()


@pytest.fixture
async def db(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    template = await template_database(postgres, "chassis", make_tables)
    async with emptied_database(postgres, template) as url:
        database = Database(url, source="/duijie/test")
        yield database
        await database.close()
