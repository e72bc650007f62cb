"""How every page of ours is made: one style sheet, whose hash stands in the page's policy, and templates that print nothing
that could act."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gate.compliance import Standing
from gate.text import inert
from reports import view
from reports.palette import DARK, LIGHT, variables

TEMPLATES = Path(__file__).with_name("templates")
AREA_FILTERS = 24
STANDARD_FILTERS = 12


@cache
def environment() -> Environment:
    """Return the templates. Every printed value is made inert and escaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _inert(value: object) -> object:
    """Make a value inert; Jinja escapes it afterwards. Only what our drawings made is markup already."""
    return value if isinstance(value, Markup) else inert(str(value))


@cache
def style_sheet() -> str:
    """Return the style sheet, the same in every report, so that its hash can stand in the page's policy."""
    shown = "".join(
        f"body:has(#show-{state.slug}:checked) .check:not(.s-{state.slug}){{display:none}}" for state in view.State
    )
    areas = "".join(f"body:has(#area-{n}:checked) .check:not(.a{n}){{display:none}}" for n in range(AREA_FILTERS))
    controls = "".join(
        f"body:has(#control-{standing.name}:checked) .control:not(.t-{standing.name}){{display:none}}"
        for standing in Standing
    ) + "".join(f"body:has(#standard-{n}:checked) .control:not(.k{n}){{display:none}}" for n in range(STANDARD_FILTERS))
    themes = (
        f":root{{{variables(LIGHT)}}}@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        ":root{color-scheme:light dark}"
    )
    return themes + (TEMPLATES / "page.css").read_text(encoding="utf-8").replace("\n", "") + shown + areas + controls
