#!/bin/sh
# Runs once, on an empty data folder: a database and two logins for each service, and a login for the audit.
# <service> may read and write rows and nothing else; <service>_migrate owns the schema; audit reads the schema `audit`, and adds to
# what it is shown to add: what audits came to, and what the command did.
# A login of one service cannot connect to another's database.
set -eu

password() { cat "${SECRETS:-/run/secrets}/$1"; }

run() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"; }

run --dbname postgres --set audit_password="$(password audit_db_password)" <<'SQL'
CREATE ROLE audit LOGIN PASSWORD :'audit_password' CONNECTION LIMIT 20;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
SQL

for service in registry training events projections notifications partners; do
    run --dbname postgres --set service="$service" --set owner="${service}_migrate" \
        --set app_password="$(password "${service}_db_password")" \
        --set owner_password="$(password "${service}_migrate_db_password")" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password' CONNECTION LIMIT 5;
CREATE ROLE :"service" LOGIN PASSWORD :'app_password';
CREATE DATABASE :"service" OWNER :"owner" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"service", audit;
SQL
    run --dbname "$service" --set service="$service" --set owner="${service}_migrate" <<'SQL'
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"service", audit;
SQL
done
