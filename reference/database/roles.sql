CREATE ROLE docjobs_owner LOGIN NOINHERIT PASSWORD :'owner' CONNECTION LIMIT 10;

CREATE ROLE docjobs_app LOGIN NOINHERIT PASSWORD :'app' CONNECTION LIMIT 80;

CREATE ROLE docjobs_readonly LOGIN NOINHERIT PASSWORD :'readonly' CONNECTION LIMIT 5;

CREATE ROLE docjobs_exporter LOGIN PASSWORD :'exporter' CONNECTION LIMIT 5;

CREATE ROLE docjobs_backup LOGIN CONNECTION LIMIT 5;

GRANT pg_monitor TO docjobs_exporter;

GRANT pg_read_all_settings, pg_checkpoint TO docjobs_backup;

GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(), pg_create_restore_point(text) TO docjobs_backup;

ALTER ROLE docjobs_readonly SET default_transaction_read_only = on;

ALTER ROLE docjobs_readonly SET statement_timeout = '30s';

ALTER ROLE docjobs_app SET idle_in_transaction_session_timeout = '60s';

GRANT SET ON PARAMETER log_min_error_statement, log_error_verbosity TO docjobs_owner;

CREATE DATABASE docjobs OWNER docjobs_owner;

REVOKE ALL ON DATABASE docjobs FROM PUBLIC;

GRANT CONNECT ON DATABASE docjobs TO docjobs_app, docjobs_readonly, docjobs_exporter;

REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;

GRANT CONNECT ON DATABASE postgres TO docjobs_backup, docjobs_exporter;

REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;

