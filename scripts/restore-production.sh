#!/bin/sh
# Restores the database from the backup repository alone: restore-production.sh [--dry-run] [--aside] [--to 'YYYY-MM-DD HH:MM:SS+00'].
# The last line on stdout is the result.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.restore "$@"
