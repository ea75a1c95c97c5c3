"""Piano-rolls: time to the right, pitch upward, one colour a part, drums in lanes below.

Where some notes were given and others written to them, the given ones are grey.

Bars run in rows as in a score. One layout makes the drawing; `canvas` paints it as SVG or PNG.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.keys import pitch_name
from ritornello.music.piece import Metre, Piece, Track
from ritornello.pages.canvas import Box, Drawing, Label, text_width

# P. Tol's colour schemes "bright" and "muted", which colour-blind readers can tell apart.
_COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#aa3377", "#ccbb44", "#66ccee"),
    *("#332288", "#44aa99", "#882255", "#999933"),
)
_DRUM_COLOUR = "#4d4d57"
_GIVEN_COLOUR = "#a3a3ad"
_INK, _FAINT_INK = "#26262b", "#8a8a94"
_BAR_LINE, _BEAT_LINE, _OCTAVE_LINE = "#c4c4cc", "#ececf0", "#dcdce2"
_WHITE_KEYS, _BLACK_KEYS = "#fcfcfd", "#f5f5f8"
_IS_BLACK = (False, True, False, True, False, False, True, False, True, False, True, False)

_MOST_LETTERS = 200  # of a name; no line holds more
_WIDTH = 1600.0
_MARGIN = 40.0
_LEFT = 92.0
_HEADER = 96.0
_LEGEND_LINE = 26.0
_ROW_GAP = 46.0
_LINE_ABOVE = 20.0
_LONGEST_WORDS = 160.0
_DRUM_LANE = 13.0
_TUNE_HEIGHT = 0.75  # of a semitone's row
_DRUM_GAP = 10.0
_MOST_ROWS = 8
_FEWEST_SEMITONES = 24

# Rows of the drum lane, from top to bottom, and the General MIDI percussion keys in each.
DRUM_ROWS: tuple[tuple[str, frozenset[int]], ...] = (
    ("cymbals", frozenset({49, 51, 52, 53, 55, 57, 59})),
    ("hi-hat", frozenset({22, 26, 42, 44, 46})),
    ("toms", frozenset({41, 43, 45, 47, 48, 50, 58})),
    ("snare", frozenset({37, 38, 39, 40})),
    ("kick", frozenset({35, 36})),
    ("others", frozenset(range(128))),
)


@dataclass(frozen=True)
class _Row:
    """One row of bars: where it starts and ends, and its place on the page."""

    start_ticks: int
    end_ticks: int
    top: float


@dataclass(frozen=True)
class _Page:
    """What the rows have in common: the scales from ticks and pitches to pixels."""

    rows: list[_Row]
    row_ticks: int
    low: int
    high: int
    semitone: float
    drum_rows: list[tuple[str, frozenset[int]]]

    @property
    def pitched_height(self) -> float:
        return (self.high - self.low + 1) * self.semitone

    @property
    def row_height(self) -> float:
        drums = _DRUM_GAP + _DRUM_LANE * len(self.drum_rows) if self.drum_rows else 0
        return self.pitched_height + drums

    def x(self, row: _Row, ticks: float) -> float:
        return _LEFT + (ticks - row.start_ticks) / self.row_ticks * (_WIDTH - _LEFT - _MARGIN)

    def y(self, row: _Row, pitch: int) -> float:
        """Top of a pitch's stripe."""
        return row.top + (self.high - pitch) * self.semitone

    def drum_y(self, row: _Row, key: int) -> float:
        index = next(i for i, (_, keys) in enumerate(self.drum_rows) if key in keys)
        return self.drums_top(row) + index * _DRUM_LANE

    def drums_top(self, row: _Row) -> float:
        return row.top + (self.pitched_height + _DRUM_GAP if self.semitone else 0)


def pianoroll_svg(piece: Piece, *, given: Sequence[np.ndarray] | None = None) -> str:
    """The piano-roll of a piece as an SVG document.

    Args:
        piece: what is drawn.
        given: bool [notes] for each track, which of its notes are drawn as given ones.
    """
    return _draw(piece, given).to_svg()


def pianoroll_png(
    piece: Piece, *, width: int = 1600, given: Sequence[np.ndarray] | None = None
) -> bytes:
    """The piano-roll of a piece as a PNG.

    Args:
        piece, given: as of `pianoroll_svg`.
        width: in pixels, 200 to 8000; the height follows from the number of bars.

    Raises:
        ConfigError: if the width is out of range.
    """
    if not 200 <= width <= 8000:
        raise ConfigError(f"A picture is 200 to 8000 pixels wide; found {width}.")
    return _draw(piece, given).to_png(width)


def _draw(piece: Piece, given: Sequence[np.ndarray] | None) -> Drawing:
    parts = _parts(piece, given)
    tracks, colours = [track for track, _ in parts], [colour for _, colour in parts]
    drawing = Drawing(_WIDTH, 0.0, description=piece.title[:_MOST_LETTERS] or "Piano-roll")
    top = _draw_header(drawing, piece, parts)
    page = _page(piece, tracks, top)
    shades = [[_shade(colour, velocity) for velocity in range(128)] for colour in colours]
    for row in page.rows:
        _draw_grid(drawing, piece, page, row)
        _draw_words(drawing, piece, page, row)
        _draw_notes(drawing, page, row, tracks, shades)
    drawing.height = page.rows[-1].top + page.row_height + _MARGIN
    return drawing


def _parts(piece: Piece, given: Sequence[np.ndarray] | None) -> list[tuple[Track, str]]:
    """Tracks with notes, and their colours; given notes are tracks of their own."""
    parts = []
    pitched = 0
    for index, track in enumerate(piece.tracks):
        old = np.zeros(len(track), bool) if given is None else given[index]
        if old.any():
            parts.append((replace(track, notes=track.notes[old]), _GIVEN_COLOUR))
        if old.all():
            continue
        colour = _DRUM_COLOUR if track.is_drum else _COLOURS[pitched % len(_COLOURS)]
        parts.append((replace(track, notes=track.notes[~old]), colour))
        pitched += not track.is_drum
    return parts


# --- layout ------------------------------------------------------------------------------------


def _page(piece: Piece, tracks: list[Track], top: float) -> _Page:
    pitches = [int(p) for t in tracks if not t.is_drum for p in np.unique(t.notes["pitch"])]
    used = {int(key) for t in tracks if t.is_drum for key in np.unique(t.notes["pitch"])}
    drum_rows = []
    for name, keys in DRUM_ROWS:
        if used & keys:
            drum_rows.append((name, keys))
            used -= keys
    low, high, semitone = 0, -1, 0.0
    if pitches or not drum_rows:
        low, high = (min(pitches), max(pitches)) if pitches else (60, 60)
        lack = max(4, _FEWEST_SEMITONES - (high - low))
        low, high = max(0, low - lack // 2), min(127, high + lack - lack // 2)
        semitone = min(9.0, max(3.5, 320 / (high - low + 1)))
    page = _Page([], 1, low, high, semitone, drum_rows)
    edges = _row_edges(piece)
    above = len(_lines_above(piece)) * _LINE_ABOVE
    rows = [
        _Row(start, end, top + above + number * (page.row_height + _ROW_GAP + above))
        for number, (start, end) in enumerate(pairwise(edges))
    ]
    longest = max(row.end_ticks - row.start_ticks for row in rows)
    return _Page(rows, longest, low, high, semitone, drum_rows)


def _row_edges(piece: Piece) -> list[int]:
    """Ticks where rows begin, and where the last one ends: always bar lines."""
    starts = [*piece.bar_starts_ticks().tolist(), piece.length_ticks]
    if len(starts) == 1:
        starts = [0, 0]
    # The last bar is drawn whole even where the music ends inside it.
    starts[-1] = max(starts[-1], starts[-2] + piece.metres[-1].bar_ticks(piece.resolution))
    bars = len(starts) - 1
    in_row = 8 if bars > 6 else bars
    # 8 bars a row while there are few rows, then 16, and so on.
    while bars > in_row * (4 if in_row == 8 else _MOST_ROWS):
        in_row *= 2
    # Rows hold equal times where the metre changes, so that they are equally wide.
    longest = in_row * int(np.median(np.diff(starts)))
    edges = [starts[0]]
    for start, end in pairwise(starts):
        if end - edges[-1] > longest and start > edges[-1]:
            edges.append(start)
    return [*edges, starts[-1]]


# --- shapes ------------------------------------------------------------------------------------


def _draw_header(drawing: Drawing, piece: Piece, parts: list[tuple[Track, str]]) -> float:
    """Title, facts and legend; returns where the first row begins."""
    title = _shortened(piece.title or "Untitled", 28, _WIDTH - 2 * _MARGIN)
    drawing.shapes.append(Label(_MARGIN, 42, title, 28, _INK))
    drawing.shapes.append(Label(_MARGIN, 74, _facts(piece), 16, _FAINT_INK))
    x, y = _MARGIN, _HEADER + 12
    for name, colour in _legend(parts):
        name = _shortened(name, 16, 300)
        width = 22 + text_width(name, 16) + 28
        if x + width > _WIDTH - _MARGIN:
            x, y = _MARGIN, y + _LEGEND_LINE
        drawing.shapes.append(Box(x, y - 7, 14, 14, colour, 3))
        drawing.shapes.append(Label(x + 22, y, name, 16, _INK))
        x += width
    return y + 52


def _legend(parts: list[tuple[Track, str]]) -> list[tuple[str, str]]:
    """Names and colours: of all that was given once, naming those who play nothing else."""
    new = [(track.label, colour) for track, colour in parts if colour != _GIVEN_COLOUR]
    if len(new) == len(parts):
        return new
    old = [track.label for track, colour in parts if colour == _GIVEN_COLOUR]
    only = ", ".join((Counter(old) - Counter(name for name, _ in new)).elements())
    return [(f"given: {only}" if only else "given", _GIVEN_COLOUR), *new]


def _facts(piece: Piece) -> str:
    """Key, tempo, metre and length in one line."""
    keys = [str(change.key) for change in piece.keys[:1]]
    tempos = [tempo.bpm for tempo in piece.tempos]
    slow, fast = f"{min(tempos):.0f}", f"{max(tempos):.0f}"
    tempo = f"{slow} bpm" if slow == fast else f"{slow}-{fast} bpm"
    metres = list(dict.fromkeys(f"{m.numerator}/{m.denominator}" for m in piece.metres))
    metre = ", ".join(metres[:3]) + (", ..." if len(metres) > 3 else "")
    bars = "1 bar" if piece.bar_count == 1 else f"{piece.bar_count} bars"
    minutes, seconds = divmod(round(piece.duration_seconds), 60)
    return "   ·   ".join([*keys, tempo, metre, bars, f"{minutes}:{seconds:02d}"])


def _shortened(text: str, size: float, width: float) -> str:
    if len(text) <= _MOST_LETTERS and text_width(text, size) <= width:
        return text
    text = text[:_MOST_LETTERS]
    while text and text_width(text + "...", size) > width:
        text = text[:-1]
    return text + "..."


def _draw_grid(drawing: Drawing, piece: Piece, page: _Page, row: _Row) -> None:
    left, right = page.x(row, row.start_ticks), page.x(row, row.end_ticks)
    add = drawing.shapes.append
    if page.semitone:
        add(Box(left, row.top, right - left, page.pitched_height, _WHITE_KEYS))
    for pitch in range(page.low, page.high + 1):
        y = page.y(row, pitch)
        if _IS_BLACK[pitch % 12]:
            add(Box(left, y, right - left, page.semitone, _BLACK_KEYS))
        if pitch % 12 == 0:
            add(Box(left, y + page.semitone - 0.5, right - left, 1, _OCTAVE_LINE))
            add(Label(left - 12, y + page.semitone / 2, pitch_name(pitch), 13, _FAINT_INK, "end"))
    for index, (name, _) in enumerate(page.drum_rows):
        y = page.drums_top(row) + index * _DRUM_LANE
        add(Box(left, y, right - left, _DRUM_LANE, (_WHITE_KEYS, _BLACK_KEYS)[index % 2]))
        add(Label(left - 12, y + _DRUM_LANE / 2, name, 13, _FAINT_INK, "end"))
    _draw_time(drawing, piece, page, row)


def _draw_time(drawing: Drawing, piece: Piece, page: _Page, row: _Row) -> None:
    """Beat lines, bar lines and bar numbers, as many as there is room for."""
    bars = piece.bar_starts_ticks()
    first = int(np.searchsorted(bars, row.start_ticks))
    inside = bars[(bars >= row.start_ticks) & (bars < row.end_ticks)].tolist() or [row.start_ticks]
    bar_width = (page.x(row, row.end_ticks) - _LEFT) / len(inside)
    if bar_width > 40:
        for start, end in zip(inside, [*inside[1:], row.end_ticks], strict=True):
            step = _metre_at(piece, start).beat_ticks(piece.resolution)
            for beat in range(start + step, end, step):
                _draw_line(drawing, page, row, beat, _BEAT_LINE)
    every = next((n for n in (1, 4, 8) if bar_width * n > 40), max(16, len(inside) // 8))
    for number, start in enumerate(inside, first):
        if bar_width > 14 or number % every == 0:
            _draw_line(drawing, page, row, start, _BAR_LINE)
        if number % every == 0:
            x = page.x(row, start)
            drawing.shapes.append(Label(x + 2, row.top - 11, str(number + 1), 13, _FAINT_INK))
    _draw_line(drawing, page, row, row.end_ticks, _BAR_LINE)


def _lines_above(piece: Piece) -> list[list[tuple[int, str]]]:
    """What stands above the rows: chord symbols and, above them, markers, such as sections."""
    chords = [(tick, text) for tick, text in piece.chords]
    markers = [(tick, text) for tick, text in piece.markers]
    return [line for line in (chords, markers) if line]


def _draw_words(drawing: Drawing, piece: Piece, page: _Page, row: _Row) -> None:
    """Chord symbols and markers of a row, as many as there is room for."""
    for number, line in enumerate(_lines_above(piece)):
        y = row.top - 11 - _LINE_ABOVE * (number + 1)
        free = 0.0
        for tick, text in line:
            if not row.start_ticks <= tick < row.end_ticks:
                continue
            x = page.x(row, tick) + 2
            shown = _shortened(text, 14, _LONGEST_WORDS)
            if x >= free:
                drawing.shapes.append(Label(x, y, shown, 14, _INK))
                free = x + text_width(shown, 14) + 6


def _draw_line(drawing: Drawing, page: _Page, row: _Row, ticks: int, colour: str) -> None:
    x = page.x(row, ticks) - 0.5
    if page.semitone:
        drawing.shapes.append(Box(x, row.top, 1, page.pitched_height, colour))
    if page.drum_rows:
        height = _DRUM_LANE * len(page.drum_rows)
        drawing.shapes.append(Box(x, page.drums_top(row), 1, height, colour))


def _metre_at(piece: Piece, tick: int) -> Metre:
    return max((metre for metre in piece.metres if metre.tick <= tick), key=lambda m: m.tick)


def _draw_notes(
    drawing: Drawing, page: _Page, row: _Row, tracks: list[Track], shades: list[list[str]]
) -> None:
    """Notes of one row, long ones first, so that none is hidden under a longer one.

    Those of the first pitched part, which has the tune, come last and are less high, so that
    it is seen where others strike its notes as well.
    """
    boxes: list[Box] = []
    tune: list[Box] = []
    pitched = [track for track in tracks if not track.is_drum]
    for track, shade in zip(tracks, shades, strict=True):
        is_tune = len(pitched) > 1 and track is pitched[0]
        ends = track.notes["onset"] + track.notes["duration"]
        sounding = (track.notes["onset"] < row.end_ticks) & (ends > row.start_ticks)
        for onset, duration, pitch, velocity in track.notes[sounding].tolist():
            x = page.x(row, max(onset, row.start_ticks))
            if not track.is_drum:
                end = page.x(row, min(onset + duration, row.end_ticks))
                # A gap at the end keeps repeated notes apart.
                length = max(1.5, end - x - min(1.5, (end - x) / 4))
                y, height = page.y(row, pitch), page.semitone
                if is_tune:
                    y, height = y + height * (1 - _TUNE_HEIGHT) / 2, height * _TUNE_HEIGHT
                (tune if is_tune else boxes).append(
                    Box(x, y, length, height, shade[velocity], height / 3)
                )
            elif onset >= row.start_ticks:
                y, height = page.drum_y(row, pitch) + 2, _DRUM_LANE - 4
                boxes.append(Box(x, y, 5, height, shade[velocity], 2))
    for drawn in (boxes, tune):
        drawn.sort(key=lambda box: -box.width)
        drawing.shapes += drawn


def _shade(colour: str, velocity: int) -> str:
    """A softer note is nearer to white."""
    strength = 0.4 + 0.6 * min(1.0, velocity / 110)
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - value) * strength):02x}" for value in channels)
