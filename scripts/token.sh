#!/bin/sh
# Prints a token of the API: token.sh --tenant acme --role operator [--ttl 600] [--audience NAME] [--claims JSON].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.token "$@"
