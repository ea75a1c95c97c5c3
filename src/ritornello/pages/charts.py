"""Charts as inline SVG: curves, histograms over a run, and bars.

Colours come from the style sheet of the page (classes of `Curve.look`, and ``h1`` to ``h8`` for the
shades of a histogram), so that one chart serves light, dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ritornello.pages.svg import element

# One size for all line charts, about that of a phone: the letters are legible at any width.
_WIDTH, _HEIGHT = 360, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 336, 22, 184
_MOST_POINTS = 400
_SETTLED = 0.1  # share of a run after which its curves should fill the chart
_STRIP_COLUMNS, _STRIP_ROWS, _SHADES = 60, 27, 8
_BAR_ROWS, _LONGEST_NAME = 12, 20
_SHARE_SHOWN = 0.99  # of the values of a matrix; a few far ones would flatten the rest


@dataclass(frozen=True)
class Curve:
    """Values ``y`` at ``x`` [points], NaN where there is none.

    Its look is "raw" (thin and pale), "smooth" (a line), "marked" (a dashed line with dots),
    "limit" (a dotted line), or one of `LINES`, whose colours and dashes all differ.
    """

    x: np.ndarray
    y: np.ndarray
    look: str


LINES = ("line1", "line2", "line3", "line4", "line5", "line6")


@dataclass(frozen=True)
class Shape:
    """Histogram of the values of one matrix: ``counts`` of equal bins from ``low`` to ``high``."""

    step: int
    low: float
    high: float
    counts: np.ndarray


def smoothed(values: np.ndarray, keep: float = 0.98) -> np.ndarray:
    """Moving average [steps] that forgets, without a bias to its start; NaN values are left out."""
    total = weight = 0.0
    found = np.full(len(values), math.nan)
    for index, value in enumerate(values.tolist()):
        if math.isfinite(value):
            total, weight = keep * total + (1 - keep) * value, keep * weight + 1 - keep
        if weight:
            found[index] = total / weight
    return found


def line_chart(curves: Sequence[Curve], *, x_name: str, y_name: str, whole: bool = False) -> Markup:
    """Curves over one x axis from 0.

    The y axis is close around the run after its steep beginning, which leaves the chart at its top;
    or, if ``whole``, it goes from zero to the highest value.
    """
    x_low, x_high = _span(np.concatenate([[0.0], *(curve.x for curve in curves)]))
    y_low, y_high = _range(curves, -math.inf if whole else _SETTLED * x_high)
    margin = 0.05 * (y_high - y_low)
    y_low = 0.0 if whole else max(y_low - margin, min(y_low, 0.0))
    y_high += margin
    y_ticks, x_ticks = _ticks(y_low, y_high, 5), _ticks(x_low, x_high, 4)
    if curves[0].x.dtype.kind == "i":  # steps are counted
        x_ticks = [tick for tick in x_ticks if tick == round(tick)]

    def across(x: float) -> float:
        return _LEFT + (x - x_low) / (x_high - x_low) * (_RIGHT - _LEFT)

    def up(y: float) -> float:
        # Far outside is as good as infinitely far, and short to write.
        share = min(max((y - y_low) / (y_high - y_low), -1), 9)
        return _BOTTOM - share * (_BOTTOM - _TOP)

    marks = [element("text", y_name, class_="name", x=4, y=12)]
    for tick, label in zip(y_ticks, _labels(y_ticks), strict=True):
        marks.append(element("path", class_="grid", d=f"M{_LEFT} {up(tick):.1f}H{_RIGHT}"))
        place = {"x": _LEFT - 6, "y": f"{up(tick) + 4:.1f}"}
        marks.append(element("text", label, class_="y", **place, text_anchor="end"))
    for tick, label in zip(x_ticks, _labels(x_ticks), strict=True):
        marks.append(element("path", class_="grid", d=f"M{across(tick):.1f} {_BOTTOM}v4"))
        place = {"x": f"{across(tick):.1f}", "y": _BOTTOM + 17}
        marks.append(element("text", label, class_="x", **place, text_anchor="middle"))
    marks.append(element("text", x_name, class_="name", x=_RIGHT, y=_HEIGHT - 4, text_anchor="end"))
    # The curves lie in a drawing of their own, which cuts off what leaves the chart.
    plot = element(
        "svg",
        *(part for curve in curves for part in _drawn(curve, across, up)),
        y=_TOP,
        width=_WIDTH,
        height=_BOTTOM - _TOP,
        viewBox=f"0 {_TOP} {_WIDTH} {_BOTTOM - _TOP}",
    )
    return _chart(f"{y_name} over {x_name}", *marks, plot)


def _chart(spoken: str, *parts: Markup, look: str = "chart") -> Markup:
    """A drawing of the size of all charts; ``spoken`` is for those who cannot see it."""
    box = f"0 0 {_WIDTH} {_HEIGHT}"
    return element("svg", *parts, class_=look, viewBox=box, role="img", aria_label=spoken)


def _drawn(
    curve: Curve, across: Callable[[float], float], up: Callable[[float], float]
) -> list[Markup]:
    """Its line and, if it is marked, the dots on it."""
    finite = np.isfinite(curve.x) & np.isfinite(curve.y)
    kept = _thinned(np.where(finite, curve.y, math.nan))
    path, dots, pen_down = [], [], False
    for x, y in zip(curve.x[kept].tolist(), curve.y[kept].tolist(), strict=True):
        if not math.isfinite(x + y):
            pen_down = False
            continue
        place = f"{across(x):.1f} {up(y):.1f}"
        # A point alone is drawn too: the round ends of a line of no length are a dot.
        path.append(f"L{place}" if pen_down else f"M{place}h0")
        pen_down = True
        if curve.look == "marked":
            dots.append(f"M{place}h0")
    look = curve.look if len(path) > 1 else f"{curve.look} lone"
    strokes = ((look, path), ("dots", dots))
    return [element("path", class_=name, d="".join(parts)) for name, parts in strokes if parts]


def _thinned(values: np.ndarray) -> np.ndarray:
    """Indices of the points to draw: of every stretch of a long curve its extremes."""
    if len(values) <= _MOST_POINTS:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), _MOST_POINTS // 2):
        known = stretch[np.isfinite(values[stretch])]
        if len(known):
            kept |= {int(known[values[known].argmin()]), int(known[values[known].argmax()])}
        else:
            kept.add(int(stretch[0]))  # so that the gap is seen
    return np.array(sorted(kept))


def _span(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value, never the same; 0 to 1 if there is none."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if high - low > 1e-9 * max(abs(low), abs(high)) + 1e-30:
        return low, high
    return low - (abs(low) / 10 or 1), high + (abs(high) / 10 or 1)


def _range(curves: Sequence[Curve], settled: float) -> tuple[float, float]:
    """Lowest and highest of what is drawn from ``settled`` on, without lone peaks."""
    values = []
    for curve in curves:
        late = curve.y[curve.x >= settled]
        late = late[np.isfinite(late)]
        if curve.look == "raw" and len(late):
            late = np.quantile(late, [0.01, 0.99])
        values.append(late)
    return _span(np.concatenate(values))


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two values, at most ``most + 1``."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [number * step for number in range(first, last + 1)] or [low, high]


def _labels(ticks: Sequence[float]) -> list[str]:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1
    if step < 1e-4 or step >= 1e6:
        return [f"{tick:.3g}" for tick in ticks]
    decimals = next(count for count in range(7) if abs(round(step, count) - step) < 1e-3 * step)
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]


def strip(shapes: Sequence[Shape]) -> tuple[Markup, float]:
    """Histograms of one matrix beside each other, time from left to right.

    Returns:
        The SVG, stretched to any size by its style, and the ``reach``: it shows the values from
        ``-reach`` to ``reach``, bottom to top.
    """
    if len(shapes) > _STRIP_COLUMNS:
        picked = np.linspace(0, len(shapes) - 1, _STRIP_COLUMNS).round().astype(int)
        shapes = [shapes[index] for index in picked]
    reach = max(map(_reach, shapes)) or 1.0
    edges = np.linspace(reach, -reach, _STRIP_ROWS + 1)
    cells: list[list[str]] = [[] for _ in range(_SHADES + 1)]
    for column, shape in enumerate(shapes):
        density = -np.diff(_below(shape, edges))
        # The root lets the thin flanks be seen beside the peak.
        shades = np.ceil(_SHADES * np.sqrt(density / max(density.max(), 1e-12)) - 0.4).astype(int)
        starts = np.flatnonzero(np.diff(shades, prepend=-1))
        for row, end in zip(starts, [*starts[1:], _STRIP_ROWS], strict=True):
            cells[shades[row]].append(f"M{column} {row}h1v{end - row}h-1z")
    paths = [
        element("path", class_=f"h{shade}", d="".join(cells[shade]))
        for shade in range(1, _SHADES + 1)
        if cells[shade]
    ]
    picture = element(
        "svg",
        *paths,
        class_="strip",
        viewBox=f"0 0 {len(shapes)} {_STRIP_ROWS}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    return picture, reach


def _below(shape: Shape, values: np.ndarray) -> np.ndarray:
    """Share of a matrix that is below each of some values [values]."""
    total = shape.counts.sum()
    if not total or shape.high <= shape.low:  # all elements are the same
        return (values > shape.low).astype(float)
    edges = np.linspace(shape.low, shape.high, len(shape.counts) + 1)
    result: np.ndarray = np.interp(
        values, edges, np.concatenate([[0], shape.counts.cumsum()]) / total
    )
    return result


def _reach(shape: Shape) -> float:
    """The distance from zero within which nearly all values lie."""
    distances = np.linspace(0, max(abs(shape.low), abs(shape.high)), 401)
    inside = _below(shape, distances) - _below(shape, -distances)
    return float(distances[min(int(np.searchsorted(inside, _SHARE_SHOWN)), len(distances) - 1)])


def bars(counts: Iterable[tuple[str, float]], *, most_rows: int = _BAR_ROWS) -> Markup:
    """Horizontal bars of named counts; beyond ``most_rows`` rows the rest is one row.

    Returns:
        The SVG; empty if there is nothing to count.
    """
    rows = list(counts)
    if len(rows) > most_rows:
        rest = sum(count for _, count in rows[most_rows - 1 :])
        others = len(rows) - most_rows + 1
        rows = [*rows[: most_rows - 1], (f"{others} others", rest)]
    if not rows:
        return Markup()
    most = max(count for _, count in rows) or 1
    marks = []
    for number, (name, count) in enumerate(rows):
        top, width = number * 20, 150 * count / most
        length = f"{max(width, 1):.1f}"
        marks += [
            element("text", _short(name), x=136, y=top + 14, text_anchor="end"),
            element("rect", x=144, y=top + 3, width=length, height=14, rx=2),
            element("text", _amount(count), x=f"{150 + width:.1f}", y=top + 14),
        ]
    spoken = ", ".join(f"{name} {_amount(count)}" for name, count in rows)
    box = f"0 0 350 {len(rows) * 20}"
    return element("svg", *marks, class_="bars", viewBox=box, role="img", aria_label=spoken)


def dots(values: Mapping[str, float], *, strong: Collection[str] = ()) -> Markup:
    """Named values as dots on one scale, a row each.

    Args:
        values: finite. strong: names of those that stand out.

    Returns:
        The SVG; empty if there is nothing to show.
    """
    if not values:
        return Markup()
    low, high = min(0, *values.values()), max(0, *values.values())
    marks = []
    for number, (name, value) in enumerate(values.items()):
        y, x = number * 20 + 10, 144 + 130 * (value - low) / ((high - low) or 1)
        look = "strong" if name in strong else "name"
        marks += [
            element("path", class_="grid", d=f"M144 {y}H274"),
            element("text", _short(name), x=136, y=y + 4, text_anchor="end", class_=look),
            element("circle", class_=look, cx=f"{x:.1f}", cy=y, r=5 if look == "strong" else 4),
            element("text", _amount(value), x=284, y=y + 4, class_=look),
        ]
    spoken = ", ".join(f"{name} {_amount(value)}" for name, value in values.items())
    box = f"0 0 350 {len(values) * 20}"
    return element("svg", *marks, class_="bars", viewBox=box, role="img", aria_label=spoken)


def columns(labels: Sequence[str], counts: Sequence[float], *, name: str) -> Markup:
    """Upright columns, of which some are labelled: a histogram of values.

    Args:
        labels: one for each count, or the edges between which they lie, one more.
        counts: [columns]. name: what it shows, for those who cannot see it.
    """
    most, width = max(counts, default=0) or 1, (_RIGHT - _LEFT) / max(len(counts), 1)
    marks = [element("path", class_="grid", d=f"M{_LEFT} {_BOTTOM}H{_RIGHT}")]
    for number, count in enumerate(counts):
        height = (_BOTTOM - _TOP) * count / most
        place = {"x": f"{_LEFT + number * width:.1f}", "y": f"{_BOTTOM - height:.1f}"}
        thick = f"{max(0.9 * width, 0.5):.2f}"
        marks.append(element("rect", **place, width=thick, height=f"{height:.1f}"))
    for y, label in ((_TOP + 4, _amount(most)), (_BOTTOM + 4, "0")):
        marks.append(element("text", label, x=_LEFT - 6, y=y, text_anchor="end"))
    centre = 0 if len(labels) > len(counts) else width / 2
    for index in sorted({0, len(labels) // 2, len(labels) - 1} if labels else ()):
        x = f"{_LEFT + index * width + centre:.1f}"
        marks.append(element("text", labels[index], x=x, y=_BOTTOM + 17, text_anchor="middle"))
    return _chart(name, *marks, look="bars chart")


def _short(name: str) -> str:
    """A name that fits beside a bar."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _amount(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.4g}"
