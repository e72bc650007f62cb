#!/bin/sh
# Reads every file of the backup repository and says what is damaged or missing: verify-backups.sh [--repository COPY].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.verify_backups "$@"
