#!/bin/sh
# Makes the secrets that are missing in the folder of the environment file; those that are there stay as they are.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.make_secrets "$@"
