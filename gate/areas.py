"""The areas of readiness, in the order in which they are reported."""

AREAS = (
    "deployment",
    "rollback",
    "monitoring",
    "security",
    "access",
    "configuration",
    "recovery",
    "load",
    "documentation",
)
