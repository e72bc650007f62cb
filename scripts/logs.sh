#!/bin/sh
# Answers a question about the stored log lines of the instance: logs.sh [QUERY [--minutes N] [--job ID] …]; alone: which there are.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.log_query "$@"
