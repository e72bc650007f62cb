"""A small mailroom: letters come in over HTTP, runners lay them out and post each exactly once."""

from pathlib import Path

PORT = 9080
LEASE_S = 8
RELEASE = Path(__file__).with_name("release").read_text(encoding="ascii").strip()
BEAT_FILE = Path("/tmp/beat")  # noqa: S108  # nosec B108: a tmpfs of the runner's container alone
