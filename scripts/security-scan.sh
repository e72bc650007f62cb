#!/bin/sh
# Judges the security of the running production stack: containers, networks, secrets, images, dependencies, source.
# security-scan.sh [--advisories PATH]. Exit status: 0 when each of these checks passed; otherwise the gate's.
set -eu
. "$(dirname "$0")/absolute-paths.sh"
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "security-scan.sh: there is no .venv; run: make setup" >&2; exit 3; }
asked="run --part --only security"
. scripts/stands-for.sh
exec .venv/bin/readygate $asked "$@"
