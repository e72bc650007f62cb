#!/bin/sh
# Says whether an environment file can go to production: validate-production-config.sh [FILE], by default the one compose uses.
set -eu
case ${1:-/} in
    [!/-]*) set -- "$PWD/$1" ;;
esac
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.validate_configuration "$@"
