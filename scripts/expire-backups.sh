#!/bin/sh
# Removes old full backups, by number or by age: expire-backups.sh --keep N | --older-than AGE [--repository COPY].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.expire_backups "$@"
