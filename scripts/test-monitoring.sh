#!/bin/sh
# Judges metrics, alerts, dashboards and logs. Exit status: 0 when each of these checks passed; otherwise the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-monitoring.sh: there is no .venv; run: make setup" >&2; exit 3; }
asked="run --part --only monitoring"
. scripts/stands-for.sh
exec .venv/bin/readygate $asked "$@"
