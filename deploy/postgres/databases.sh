#!/bin/sh
# A role and a database for each service; none of them can reach another's. Runs once, on an empty volume.
set -eu
for name in gateway listing matching logistics; do
  variable="$(echo "$name" | tr '[:lower:]' '[:upper:]')_DATABASE_PASSWORD"
  # through the environment: a command line is for everyone to read
  password="$(printenv "$variable")" psql --no-psqlrc -v ON_ERROR_STOP=1 -v name="$name" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password password
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
