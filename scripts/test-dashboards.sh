#!/bin/sh
# Judges dashboards and what they are made of: targets, series, golden signals, panels, and panels during faults. Prints each
# check's result; the exit status is the gate's: 4 (INCOMPLETE, as of every narrowed run) when all that was asked passed, 1 when
# something failed.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-dashboards.sh: there is no .venv; run: make setup" >&2; exit 3; }
exec .venv/bin/readygate run --check monitoring.targets --check monitoring.rule-series --check monitoring.golden-signals \
    --check monitoring.dashboards --check monitoring.dashboard-truth "$@"
