#!/bin/sh
# Prints the audit log of the instance, newest last, one JSON object a line: audit-log.sh [--last N].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.audit_log "$@"
