#!/bin/sh
# Makes the database on first start, then becomes PostgreSQL. The superuser `pg` exists for the local socket only.
set -eu
data=/var/lib/mailroom/data

if [ ! -e "$data/PG_VERSION" ]; then
  # Made beside its place and moved when complete: a start that was killed half-way begins afresh.
  rm -rf "$data.new"
  initdb --pgdata="$data.new" --username=pg --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  echo 'host mailroom mailroom_owner,mailroom_app samenet scram-sha-256' >>"$data.new/pg_hba.conf"
  postgres --single -j -D "$data.new" postgres <<SQL
CREATE ROLE mailroom_owner LOGIN PASSWORD '$(cat /run/secrets/owner_password)';

CREATE ROLE mailroom_app LOGIN PASSWORD '$(cat /run/secrets/app_password)';

CREATE DATABASE mailroom OWNER mailroom_owner;
SQL
  mv "$data.new" "$data"
fi

exec postgres -D "$data" -c listen_addresses='*' -c max_connections=60 -c shared_buffers=32MB
