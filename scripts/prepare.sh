#!/bin/sh
# What the production stack needs before its first start: environment file, base image, secrets, certificates, images.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.setup stack "$@"
