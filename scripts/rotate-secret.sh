#!/bin/sh
# Rotates a secret under traffic: rotate-secret.sh [--retire] db_app_password|signing-key. The last line on stdout is the result.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.rotate_secret "$@"
