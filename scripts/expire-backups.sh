#!/bin/sh
# Removes full backups beyond the newest N: expire-backups.sh --keep N [--repository COPY].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.expire_backups "$@"
