"""[load] of readiness.toml: what users do beside submitting and asking, and how the system says that it takes no more now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoadTable:
    """Paths that users ask for, with `{id}` for a job's; `refused`: statuses by which a submission is declined under
    load; `baseline`: earlier runs that a run is held against."""

    list_path: str | None = None
    result_path: str | None = None
    cancel_path: str | None = None
    cancel_method: str = "POST"
    refused: tuple[int, ...] = ()
    baseline: tuple[str, ...] = ()

    def paths(self) -> dict[str, str]:
        """What is known of them, by name."""
        known = {"list_path": self.list_path, "result_path": self.result_path, "cancel_path": self.cancel_path}
        return {name: path for name, path in known.items() if path} | {"cancel_method": self.cancel_method}
