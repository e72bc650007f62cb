#!/bin/sh
# Judges dashboards and what they are made of: targets, series, golden signals, panels, and panels during faults. Exit status:
# 0 when each of these checks passed; otherwise the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-dashboards.sh: there is no .venv; run: make setup" >&2; exit 3; }
asked="run --part --check monitoring.targets --check monitoring.rule-series \
--check monitoring.golden-signals --check monitoring.dashboards --check monitoring.dashboard-truth"
. scripts/stands-for.sh
exec .venv/bin/readygate $asked "$@"
