#!/bin/sh
# Builds the api, worker and migrate images of a release of reference/releases: build-release.sh R. Cheap when nothing changed.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.build "$@"
