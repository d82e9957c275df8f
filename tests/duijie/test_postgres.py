import asyncpg
from duijie.postgres import EmbeddedPostgres

async def test_a(postgres_url: str) -> None:
    c = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    print(await c.fetchval("select version()"), await c.fetchval("select datcollate || datctype || datlocale from pg_database where datname=current_database()"))
    await c.close()
