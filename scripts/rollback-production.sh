#!/bin/sh
# Goes back to the previous release, or to R: rollback-production.sh [--dry-run] [--to R]. The last line on stdout is the result.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.rollback "$@"
