"""Numbers as a reader sees them. Two that differ never look the same beside each other."""

from __future__ import annotations

import math

from gate.model import Measurement

TIGHT = 0.10  # under this share of the limit left, a kept limit is called tight


def number(value: float, digits: int = 3) -> str:
    """Return the value with that many significant digits, thousands grouped, no trailing zeros."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "∞" if value > 0 else "−∞"
    value += 0.0  # there is a zero below zero, and nobody reads it as another one
    if value and not 1e-6 <= abs(value) < 1e15:
        return f"{value:.{digits}g}".replace("-", "−")
    decimals = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def pair(measured: float, limit: float) -> tuple[str, str]:
    """Return both numbers with as many digits as it takes to tell them apart."""
    for digits in range(3, 24):
        texts = number(measured, digits), number(limit, digits)
        if texts[0] != texts[1] or measured == limit:
            return texts
    return repr(measured), repr(limit)


def quantity(text: str, unit: str) -> str:
    """Return the number with its unit; the unit 1 stands for a bare count."""
    return text if unit in ("", "1") else f"{text} {unit}"


def headroom(measurement: Measurement) -> float | None:
    """Return the share of the limit that is left, negative when it is broken; None where no share makes sense."""
    limit, value = measurement.limit, measurement.value
    if not limit or not math.isfinite(limit) or not math.isfinite(value):
        return None
    return (limit - value if measurement.direction == "max" else value - limit) / abs(limit)


def headroom_text(measurement: Measurement) -> str:
    """Return the headroom in words: a share left, a share over or short, or that none is allowed."""
    share = headroom(measurement)
    if share is None:
        return "none allowed" if measurement.limit == 0 and measurement.direction == "max" else "–"
    if share < 0:
        return f"{number(-share * 100, 2)} % {'over' if measurement.direction == 'max' else 'short'}"
    return f"{number(share * 100, 2)} % left"


def duration(seconds: float) -> str:
    """Return a time span the way people say it."""
    if not math.isfinite(seconds) or seconds < 60:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
