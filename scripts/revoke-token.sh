#!/bin/sh
# Refuses a token before its end, within a second: revoke-token.sh < TOKEN, or --id ID, or --tenant T --subject S for all of theirs.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.revoke_token "$@"
