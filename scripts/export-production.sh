#!/bin/sh
# Writes a logical export of the database, checked: export-production.sh [FOLDER], a new one.
set -eu
case ${1:-/} in
    [!/-]*) set -- "$PWD/$1" ;;
esac
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.export "$@"
