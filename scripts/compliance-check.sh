#!/bin/sh
# Judges access control and compliance. What is not verified yet is no pass: the exit status is the gate's.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "compliance-check.sh: there is no .venv; run: make setup" >&2; exit 3; }
exec .venv/bin/readygate run --only access "$@"
