#!/bin/sh
# Makes the two passwords, once. The folder is closed to other users of this machine. A container sees a mounted file with
# the mode and the group it has here, so the files belong to the containers' group; only root can give them to it.
set -eu
cd "$(dirname "$0")"
mkdir -p -m 0700 .secrets
for name in owner_password app_password; do
  if [ ! -s ".secrets/$name" ]; then
    (umask 077 && head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >".secrets/$name.new")
    mv ".secrets/$name.new" ".secrets/$name"
  fi
  if chgrp 7100 ".secrets/$name" 2>/dev/null; then
    chmod 0440 ".secrets/$name"
  else
    echo "prepare.sh: .secrets/$name stays open to every user inside the containers: run this as root" >&2
    chmod 0444 ".secrets/$name"
  fi
done
