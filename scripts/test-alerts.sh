#!/bin/sh
# Judges the alerts: each fault brought about, its alert followed to the receiver. What is not verified yet is no pass: the
# exit status is the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-alerts.sh: there is no .venv; run: make setup" >&2; exit 3; }
exec .venv/bin/readygate run --check 'monitoring.alert-*' --check monitoring.coverage --check monitoring.dead-man \
    --check monitoring.delivery --check monitoring.quiet --check monitoring.routing "$@"
