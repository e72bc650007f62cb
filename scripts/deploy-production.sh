#!/bin/sh
# Puts a release live: deploy-production.sh [--dry-run] [--release R]. The last line on stdout is the result, as JSON.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.deploy "$@"
