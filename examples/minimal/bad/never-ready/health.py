"""The health checks of a release that never gets ready."""

import sys

sys.exit("never ready, on purpose")
