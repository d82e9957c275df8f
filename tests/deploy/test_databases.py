"""deploy/postgres/databases.sh, on a real server."""

import asyncio
import os
import subprocess

import asyncpg
import pytest

from duijie.databases import DATABASES
from duijie.postgres import SUPERUSER, EmbeddedPostgres, programs
from duijie.postgres_settings import LOOPBACK
from tests.deploy.support import DEPLOY
from tests.support.postgres import superuser


async def connect(server: EmbeddedPostgres, role: str, password: str, database: str) -> None:
    connection = await asyncpg.connect(
        host=LOOPBACK, port=server.port, user=role, password=password, database=database, ssl=False
    )
    await connection.execute("CREATE TABLE mine ()")
    await connection.close()


async def test_each_service_gets_into_its_own_database_and_into_no_other(postgres: EmbeddedPostgres) -> None:
    passwords = {name: f"of'{name}" for name in DATABASES}
    environment = {
        "PATH": f"{programs() / 'bin'}:{os.environ['PATH']}",
        "PGHOST": LOOPBACK,
        "PGPORT": str(postgres.port),
        "PGPASSWORD": postgres._superuser_password(),
        "POSTGRES_USER": SUPERUSER,
        **{f"{name.upper()}_DATABASE_PASSWORD": password for name, password in passwords.items()},
    }
    try:
        script = ["sh", str(DEPLOY / "postgres" / "databases.sh")]
        await asyncio.to_thread(subprocess.run, script, env=environment, check=True, capture_output=True)
        for name, password in passwords.items():
            await connect(postgres, name, password, name)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connect(postgres, "listing", passwords["listing"], "matching")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connect(postgres, "listing", passwords["matching"], "listing")
    finally:
        async with superuser(postgres) as connection:
            for name in DATABASES:
                await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await connection.execute(f"DROP ROLE IF EXISTS {name}")
