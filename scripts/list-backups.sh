#!/bin/sh
# Prints the backups of the instance, one JSON object a line, the newest last: list-backups.sh [--repository COPY].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.list_backups "$@"
