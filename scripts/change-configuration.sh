#!/bin/sh
# Changes settings under traffic: change-configuration.sh [--dry-run] KEY=VALUE... The last line on stdout is the result, as JSON.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.change_configuration "$@"
