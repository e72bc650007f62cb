#!/bin/sh
# Has the running gateway show the certificate in the secrets folder, or one that ends soon: gateway-certificate.sh [--days N].
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.gateway_certificate "$@"
