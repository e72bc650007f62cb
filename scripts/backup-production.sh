#!/bin/sh
# Takes a backup of the instance and sees that the repository holds it: backup-production.sh [full|diff|incr].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.backup "$@"
