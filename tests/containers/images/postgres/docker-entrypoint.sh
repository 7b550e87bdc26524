#!/bin/sh
# What the public image does on a new data folder, as far as this product uses it: a superuser with a password, a
# database, the scripts of /docker-entrypoint-initdb.d while nobody can come in by TCP; then the server itself.
set -eu

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R postgres "$(dirname "$(dirname "$PGDATA")")"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

# The wheel's default is another folder than the public image's.
SOCKETS=/var/run/postgresql
export PGHOST=$SOCKETS

initialise() {
    POSTGRES_USER=${POSTGRES_USER:-postgres}
    export POSTGRES_USER
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE"); fi
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is missing" >&2; exit 1; fi
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    password=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
    # Split on purpose: POSTGRES_INITDB_ARGS holds several words.
    # shellcheck disable=SC2086
    initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$password" ${POSTGRES_INITDB_ARGS:-}
    rm -f "$password"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    pg_ctl --pgdata "$PGDATA" --wait --options "-c listen_addresses='' -c unix_socket_directories=$SOCKETS" start
    if [ "${POSTGRES_DB:-$POSTGRES_USER}" != postgres ]; then
        createdb --username "$POSTGRES_USER" "${POSTGRES_DB:-$POSTGRES_USER}"
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) . "$script" ;;
            *.sql) psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-$POSTGRES_USER}" --file "$script" ;;
        esac
    done
    pg_ctl --pgdata "$PGDATA" --wait --mode fast stop
}

if [ "$1" = postgres ]; then
    [ -s "$PGDATA/PG_VERSION" ] || initialise
    set -- "$@" -c listen_addresses='*' -c unix_socket_directories="$SOCKETS"
fi
exec "$@"
