"""The colours of the page in both themes, and the pairs that are read on each other. Signs and words carry the state."""

from __future__ import annotations

LIGHT = {
    "ink": "#1b1f24", "mute": "#4c5560", "paper": "#ffffff", "panel": "#f5f7f9", "edge": "#c9d1d9", "link": "#0a4fc4",
    "go": "#0b6b36", "go-tint": "#e3f4ea", "no": "#a3161f", "no-tint": "#fdecec", "warn": "#7a4a00", "warn-tint": "#fff4dc",
    "bar": "#4a6a8f", "mark": "#1b1f24", "series": "#0a4fc4",
}  # fmt: skip
DARK = {
    "ink": "#eceff3", "mute": "#aeb7c2", "paper": "#14171c", "panel": "#1d2229", "edge": "#414b57", "link": "#8fb8ff",
    "go": "#6fdc9b", "go-tint": "#12301f", "no": "#ff9d9d", "no-tint": "#3b1a1d", "warn": "#ffcb6b", "warn-tint": "#35290f",
    "bar": "#7fa3cc", "mark": "#eceff3", "series": "#8fb8ff",
}  # fmt: skip

# (ink, ground, least contrast): 4.5 for text, 3 for bars and lines (WCAG 2.2 AA).
PAIRS = (
    *((ink, ground, 4.5) for ink in ("ink", "mute", "link", "go", "no", "warn") for ground in ("paper", "panel")),
    *((state, f"{state}-tint", 4.5) for state in ("go", "no", "warn")),
    *((ink, f"{state}-tint", 4.5) for ink in ("ink", "mute") for state in ("go", "no", "warn")),
    *((line, ground, 3.0) for line in ("bar", "mark", "series", "no") for ground in ("paper", "panel")),
)


def variables(theme: dict[str, str]) -> str:
    """Return the theme as CSS custom properties."""
    return "".join(f"--{name}:{colour};" for name, colour in theme.items())
