"""Health checks, run inside the containers: exit status 0 when well."""

from __future__ import annotations

import sys
import time
import urllib.request

from mailroom import BEAT_FILE, LEASE_S, PORT


def main() -> None:
    if sys.argv[1] == "web":
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/serving", timeout=2).close()  # nosec B310: of ours
    elif time.time() - BEAT_FILE.stat().st_mtime > LEASE_S:
        sys.exit("no lease was renewed in time")


if __name__ == "__main__":
    main()
