#!/bin/sh
# Makes the two passwords, once. The folder is closed to other users of this machine; the files are open to read
# because a container sees a mounted file with the mode it has here, and runs as a user this machine does not know.
set -eu
cd "$(dirname "$0")"
mkdir -p -m 0700 .secrets
for name in owner_password app_password; do
  [ -s ".secrets/$name" ] && continue
  head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >".secrets/$name.new"
  chmod 0444 ".secrets/$name.new"
  mv ".secrets/$name.new" ".secrets/$name"
done
