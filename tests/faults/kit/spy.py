"""What was committed, as a trigger of the tests' own saw it: each row of an outbox, in the transaction that wrote it.

The relay deletes what it has sent, so the outbox itself can't be compared with the topics afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

SPY = """
CREATE TABLE faults_told (
    outbox_id bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    digest text NOT NULL,
    value bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE faults_tried (what text NOT NULL, id text NOT NULL, version bigint NOT NULL);
CREATE FUNCTION faults_header(headers bytea, name text) RETURNS text LANGUAGE sql AS $$
    SELECT (string_to_array(substr(packed, strpos(packed, chr(29)) + 1), chr(31)))[
        array_position(string_to_array(split_part(packed, chr(29), 1), chr(31)), name)
    ]
    FROM convert_from(headers, 'UTF8') AS packed
$$;
CREATE FUNCTION faults_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO faults_told
    SELECT id, topic, key, coalesce(faults_header(headers, 'ce_id'), ''),
        coalesce(faults_header(headers, 'ce_type'), ''), md5(value), value
    FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION faults_try() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO faults_tried
    VALUES (TG_TABLE_NAME, to_jsonb(NEW) ->> TG_ARGV[0], (to_jsonb(NEW) ->> TG_ARGV[1])::bigint);
    RETURN NEW;
END $$;
CREATE TRIGGER faults_tell AFTER INSERT ON outbox REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION faults_tell();
"""
TRY = "CREATE TRIGGER faults_try BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION faults_try('{}', '{}')"
TRIED = {
    "matching": (("supply", "listing_id", "listing_version"), ("match_deliveries", "parcel_id", "version")),
    "logistics": (("shipments", "match_id", "version"),),
}
"""What a handler writes for each event that it is given, and what names that event there.

Every handler of the product changes nothing when it meets an event again: it passes over an older version, or inserts
ON CONFLICT. So an inbox that let repeats through would leave no trace in what is there. But a row that then conflicts
is tried first, and this trigger notes it in the transaction of the handler: twice tried is twice handled. That of
listing and produce support only read when there is nothing to do, and can't be seen so.
"""
TOLD = "SELECT outbox_id, topic, key, event_id, type, digest, value FROM faults_told ORDER BY outbox_id"


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it was committed."""

    outbox_id: int
    topic: str
    key: str
    event_id: str
    type: str
    digest: str
    value: bytes


async def install_spies(databases: Mapping[str, str]) -> None:
    for service, url in databases.items():
        connection = await asyncpg.connect(url, ssl=False)
        try:
            await connection.execute(SPY)
            for columns in TRIED.get(service, ()):
                await connection.execute(TRY.format(*columns))
        finally:
            await connection.close()


async def told(url: str) -> list[Told]:
    """Every event that was committed in this database, in the order of the outbox: that of the commits, for one key."""
    connection = await asyncpg.connect(url, ssl=False)
    try:
        return [Told(*row) for row in await connection.fetch(TOLD)]
    finally:
        await connection.close()
