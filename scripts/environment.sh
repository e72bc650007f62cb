#!/bin/sh
# Makes .venv from the hashed lock. Needs Python 3.11 or later; safe to repeat, to interrupt, and to start twice at once.
set -eu
cd "$(dirname "$0")/.."
log=.readygate/environment.log
mkdir -p .readygate

# Exit 3: this machine lacks something; the second argument is the command that mends it.
lacks() {
    printf 'error: %s\nhint:  %s\n' "$1" "$2" >&2
    exit 3
}

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    lacks "there is no Python 3.11 or later on PATH" "apt-get install python3 (Debian 12, Ubuntu 24.04 or later), then repeat"
}

need_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        lacks "$python cannot make virtual environments: the package $package is missing" "sudo apt-get install $package"
    fi
    echo "  … environment  installing $package" >&2
    { apt-get update -q && apt-get install -y -q --no-install-recommends --no-remove "$package"; } >"$log" 2>&1 ||
        lacks "apt-get could not install $package: $(tail -n 1 $log)" "apt-get update && apt-get install $package"
}

# The user's own pip configuration (index, certificates, proxies) holds; only what contradicts a virtual environment does not.
pip_install() {
    env -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT PIP_USER=0 PIP_REQUIRE_HASHES=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
        .venv/bin/python -m pip install --quiet "$@" >"$log" 2>&1 || {
        tail -n 12 "$log" >&2
        lacks "pip failed, as the lines above say" "make setup, once their cause is mended; the whole output is in $log"
    }
}

exec 9>.readygate/environment.lock
if command -v flock >/dev/null; then flock 9; fi
if [ -z "$(find requirements-dev.lock pyproject.toml scripts/environment.sh -newer .venv/ready 2>/dev/null || echo unready)" ]; then
    exit 0 # another set-up made it while this one waited
fi

began=$(date +%s)
python=$(find_python)
need_venv
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "  … environment  making .venv with $("$python" --version)" >&2
    rm -rf .venv
    "$python" -m venv .venv >"$log" 2>&1 || lacks "python -m venv failed: $(tail -n 1 $log)" "rm -rf .venv && make setup"
fi
pip_install --require-hashes --requirement requirements-dev.lock
pip_install --no-build-isolation --no-deps --editable .
touch .venv/ready
echo "  ✓ environment  .venv holds what requirements-dev.lock names ($(($(date +%s) - began)) s)" >&2
