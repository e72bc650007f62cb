#!/bin/sh
# Judges who may do what: every operation with every kind of token, every statement with every database role.
# Exit status: 0 when each of these checks passed; otherwise the gate's.
set -eu
. "$(dirname "$0")/absolute-paths.sh"
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-access-controls.sh: there is no .venv; run: make setup" >&2; exit 3; }
asked="run --part --only access"
. scripts/stands-for.sh
exec .venv/bin/readygate $asked "$@"
