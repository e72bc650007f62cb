#!/bin/sh
# Runs a release's own acceptance tests against the running instance: acceptance-test.sh R. The last line on stdout is the result, as JSON.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.acceptance "$@"
