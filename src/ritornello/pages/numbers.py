"""Numbers as the reader of a page sees them: values in, short text out.

All of these are also filters of every template (`ritornello.pages.rendering`).
"""

from __future__ import annotations

import math

NOTHING = "–"


def number(value: object) -> str:
    """A value of any kind: numbers to four digits, nothing as a dash, anything else as text."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def nats(value: float | None) -> str:
    """Nats per note, to three places."""
    return f"{value:.3f}" if value is not None and math.isfinite(value) else "unknown"


def count(value: float) -> str:
    """A whole number, with commas."""
    return f"{value:,.0f}" if math.isfinite(value) else "unknown"


def clock(seconds: float) -> str:
    """A position in seconds as minutes and seconds, such as 3:07."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def duration(seconds: float) -> str:
    """A length of time in seconds or minutes, such as 62 s or 8.3 min."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:,.1f} min"
