#!/bin/sh
# Judges the security of the production stack. What is not verified yet is no pass: the exit status is the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "security-scan.sh: there is no .venv; run: make setup" >&2; exit 3; }
exec .venv/bin/readygate run --only security "$@"
