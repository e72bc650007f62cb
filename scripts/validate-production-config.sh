#!/bin/sh
# Says whether an environment file can go to production: validate-production-config.sh [--environment NAME] [FILE], by default
# the one compose uses. Named, development and staging are judged by their own rules, without FILE the committed one.
set -eu
name=
case ${1:-} in
    --environment=*) name=$1; shift ;;
    --environment) name=$1=${2-}; shift; [ $# -eq 0 ] || shift ;;
esac
case ${1:-/} in
    [!/-]*) set -- "$PWD/$1" ;;
esac
[ -z "$name" ] || set -- "$name" "$@"
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m procedures.validate_configuration "$@"
