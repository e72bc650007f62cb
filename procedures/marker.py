"""The marker that a change leaves in Prometheus, in the text format of its exporters."""

from __future__ import annotations

METRIC = "docjobs_deployment_timestamp_seconds"


def text(*, action: str, release: str, result: str, at: float) -> str:
    """One sample: when (`at`, seconds since 1970) which release was brought by which action, and how that ended."""
    labels = f'action="{_escaped(action)}",release="{_escaped(release)}",result="{_escaped(result)}"'
    return (
        f"# HELP {METRIC} When a deployment or rollback ended.\n# TYPE {METRIC} gauge\n{METRIC}{{{labels}}} {at:.0f}\n"
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
