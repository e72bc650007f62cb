#!/bin/sh
# Judges the security controls: prints the matrix and what 100 % lacks. Exit status: 0 only when every applicable control is
# verified. compliance-check.sh [--results RUN] [--advisories PATH]; with --results it reads an earlier run (its id, `latest`, its
# folder or results.json) and starts nothing.
set -eu
. "$(dirname "$0")/absolute-paths.sh"
cd "$(dirname "$0")/.."
[ -x .venv/bin/readygate ] || { echo "compliance-check.sh: there is no .venv; run: make setup" >&2; exit 3; }
asked="compliance"
. scripts/stands-for.sh
exec .venv/bin/readygate $asked "$@"
