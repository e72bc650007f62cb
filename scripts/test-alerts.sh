#!/bin/sh
# Judges the alerts: each fault brought about, its alert followed to the receiver. Exit status: 0 when each of these checks
# passed; otherwise the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-alerts.sh: there is no .venv; run: make setup" >&2; exit 3; }
asked="run --part --check monitoring.alert-* --check monitoring.coverage \
--check monitoring.dead-man --check monitoring.delivery --check monitoring.quiet* --check monitoring.routing"
. scripts/stands-for.sh
exec .venv/bin/readygate $asked "$@"
