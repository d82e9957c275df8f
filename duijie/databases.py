"""The database of each service: its migrations and its tables. `python -m duijie.databases` writes a new migration."""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError

from chassis.db import is_transient
from chassis.migrations import migrate, write_migration
from duijie.problems import DatabaseAway

NOT_LET_IN = ("28", "3D")
"""Classes of SQLSTATE: invalid authorisation, such as a wrong password, and no such database."""


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """`package` holds `models.METADATA` and the folder `migrations`."""

    name: str
    package: str

    @property
    def folder(self) -> Path:
        file = import_module(self.package).__file__
        assert file is not None
        return Path(file).parent / "migrations"

    @property
    def newest(self) -> str:
        """The version that this program needs: the number of the last migration."""
        return max(file.name[:4] for file in self.folder.glob("[0-9]*.py"))

    @property
    def metadata(self) -> MetaData:
        metadata: MetaData = import_module(f"{self.package}.models").METADATA
        return metadata

    async def migrate(self, url: str) -> None:
        """Bring the database at `url` to the newest version. Raises DatabaseAway; a migration's own errors pass."""
        try:
            await migrate(url, self.folder)
        except Exception as error:
            if is_transient(error) or lets_nobody_in(error):
                raise away(self.name, error) from error
            raise


def lets_nobody_in(error: BaseException) -> bool:
    """Whether a server is there, but not for this role and this database."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state is not None and state[:2] in NOT_LET_IN


def away(name: str, error: BaseException) -> DatabaseAway:
    """One sentence: PostgreSQL's own words, which name a role or a database, or the network's. Never a password."""
    said = str(error.orig) if isinstance(error, DBAPIError) else getattr(error, "strerror", None) or str(error)
    return DatabaseAway(f"The database of {name} can't be used: {said.rstrip('.') or 'it does not answer'}.")


DATABASES = {
    each.name: each
    for each in (
        ServiceDatabase("gateway", "gateway"),
        ServiceDatabase("listing", "services.listing"),
        ServiceDatabase("matching", "services.matching"),
        ServiceDatabase("logistics", "services.logistics"),
    )
}


async def _write(name: str, why: str) -> None:
    """Compare the models with a database at the newest version, and write the difference as a migration."""
    from duijie.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="duijie-migration-") as folder:
        Path(folder).chmod(0o711)  # the database's own user has to walk through
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        try:
            server.start()
            await server.create_databases([name])
            await DATABASES[name].migrate(server.url(name))
            await write_migration(server.url(name), DATABASES[name].folder, DATABASES[name].metadata, why)
        finally:
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in DATABASES:
        sys.exit(f"usage: python -m duijie.databases {'|'.join(DATABASES)} 'why'")
    asyncio.run(_write(sys.argv[1], sys.argv[2]))
