"""How every page of ours is made: one style sheet, whose hash stands in the page's policy, and templates that print nothing
that could act."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gate.compliance import Standing
from gate.text import inert
from reports import view
from reports.groups import SIZE
from reports.palette import DARK, LIGHT, variables

TEMPLATES = Path(__file__).with_name("templates")
AREA_FILTERS = 24
STANDARD_FILTERS = 12
HEIGHT = 33  # px of a check that is closed


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
    shown = _filters("show", ".checks>.group", {state.slug: f"s-{state.slug}" for state in view.State})
    areas = _filters("area", ".checks>.group", {str(n): f"a{n}" for n in range(AREA_FILTERS)})
    controls = _filters("control", ".scroll .control", {each.name: f"t-{each.name}" for each in Standing})
    controls += _filters("standard", ".scroll .control", {str(n): f"k{n}" for n in range(STANDARD_FILTERS)})
    themes = (
        f":root{{{variables(LIGHT)}}}@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        ":root{color-scheme:light dark}"
    )
    group = f".group.full{{contain-intrinsic-size:auto {HEIGHT * SIZE}px;content-visibility:auto}}"
    rules = (TEMPLATES / "page.css").read_text(encoding="utf-8").replace("\n", "")
    return themes + group + rules + shown + areas + controls


def _filters(name: str, what: str, classes: Mapping[str, str]) -> str:
    """Rules by which a choice, in a fieldset before it, hides all that has not its class. It is looked for in fieldsets alone:
    in the whole page it is looked for again by each of these rules, and that takes longer than hiding."""
    return "".join(
        f"fieldset:has(#{name}-{choice}:checked)~{what}:not(.{kept}){{display:none}}"
        for choice, kept in classes.items()
    )
