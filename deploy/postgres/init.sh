#!/bin/sh
# Runs once, on an empty data folder: a database and two logins for each service, and a login for the audit.
# <service> may read and write rows and nothing else; <service>_migrate owns the schema; audit reads the schema `audit`, and adds to
# what it is shown to add: what audits came to, and what the command did.
# A login of one service cannot connect to another's database.
set -eu

SECRETS=${SECRETS:-/run/secrets}
SERVICES="registry training events projections notifications partners"
SERVICE=
export SECRETS SERVICE

run() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"; }

# psql reads the passwords itself, not by its command line, which every process of the host can read. Of a file that is not there it would
# make an empty password, so that is looked at first.
for name in audit $(for service in $SERVICES; do echo "$service" "${service}_migrate"; done); do
    if [ ! -s "$SECRETS/${name}_db_password" ]; then
        echo "$SECRETS/${name}_db_password is empty or not there: make-secrets makes it. Then docker compose down, and remove the volume postgres-data: it was begun without logins" >&2
        exit 78
    fi
done

run --dbname postgres <<'SQL'
\set audit_password `cat "$SECRETS/audit_db_password"`
CREATE ROLE audit LOGIN PASSWORD :'audit_password' CONNECTION LIMIT 20;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
SQL

for service in $SERVICES; do
    SERVICE=$service
    run --dbname postgres --set service="$service" --set owner="${service}_migrate" <<'SQL'
\set app_password `cat "$SECRETS/${SERVICE}_db_password"`
\set owner_password `cat "$SECRETS/${SERVICE}_migrate_db_password"`
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
