#!/bin/sh
# Judges the alerts, with the rest of monitoring. What is not verified yet is no pass: the exit status is the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "test-alerts.sh: there is no .venv; run: make setup" >&2; exit 3; }
exec .venv/bin/readygate run --only monitoring "$@"
