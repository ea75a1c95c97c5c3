"""What stands along a line of time in seconds: beats and bars, names above them, and notes.

Unlike the bars of `pianoroll`, which are equally wide, these lie where they sound, so that they can
stand under a recording. Colours come from the page (``h4`` to ``h8`` are its shades).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ritornello.music.keys import pitch_name
from ritornello.music.piece import Piece, Track
from ritornello.pages.pianoroll import DRUM_ROWS
from ritornello.pages.svg import element

PAGE_PIXELS = 640  # a printed page
_LETTER_PIXELS = 10.0  # of the widest names, which are chords in bold
_FEWEST_SEMITONES = 12
_DRUM_LANE = 3  # semitones high
_SHADE_STEP = 26  # of velocity; five shades


def time_lines(seconds: Iterable[float]) -> str:
    """Upright lines of height 1 at these times, as the data of an SVG path."""
    return "".join(f"M{second:.3f} 0v1" for second in seconds)


@dataclass(frozen=True)
class TimeLabel:
    """A name above a line of time.

    Attributes:
        share: where it begins, 0 at the start of the line and 1 at its end.
        dense: whether there is no room for it on a printed page, or on a line of that width.
    """

    name: str
    share: float
    dense: bool


def time_labels(
    names: Iterable[tuple[float, str]], duration_seconds: float, width_pixels: float
) -> tuple[list[TimeLabel], int]:
    """Names at their times, in a line that is ``duration_seconds`` long and stretches.

    Args:
        names: (seconds, name), ascending.
        width_pixels: of the line at its narrowest on a screen.

    Returns:
        The names that have room, and how many found none.
    """
    labels, left_out = [], 0
    free = free_on_page = 0.0
    for second, name in names:
        share = second / duration_seconds
        width = _LETTER_PIXELS * (len(name) + 1)
        x, x_on_page = share * width_pixels, share * PAGE_PIXELS
        if not free <= x <= width_pixels - width:
            left_out += 1
            continue
        free = x + width
        dense = not free_on_page <= x_on_page <= PAGE_PIXELS - width
        if not dense:
            free_on_page = x_on_page + width
        labels.append(TimeLabel(name, share, dense))
    return labels, left_out


def notes_svg(
    piece: Piece, tracks: Sequence[Track], duration_seconds: float, *, description: str
) -> Markup:
    """Notes of some tracks of a piece as an SVG that fills its box; x is in seconds.

    Pitches go upward; drums are in lanes below them, in the order of `drum_lanes`.
    """
    pitched = _pitches(tracks)
    low, high = (int(pitched.min()), int(pitched.max())) if len(pitched) else (0, -1)
    lack = max(2, _FEWEST_SEMITONES - (high - low)) if len(pitched) else 0
    low, high = low - lack // 2, high + (lack + 1) // 2
    drums_top = high - low + 1
    lanes = [dict(DRUM_ROWS)[name] for name in drum_lanes(tracks)]
    height = drums_top + _DRUM_LANE * len(lanes)
    shapes: dict[tuple[str, int], list[str]] = defaultdict(list)
    for track in tracks:
        onsets, ends = note_seconds(piece, track)
        for onset, end, note in zip(onsets.tolist(), ends.tolist(), track.notes, strict=True):
            shade = 4 + int(note["velocity"]) // _SHADE_STEP
            if track.is_drum:
                lane = next(i for i, keys in enumerate(lanes) if int(note["pitch"]) in keys)
                y = drums_top + _DRUM_LANE * lane + 0.4
                shapes["hits", shade].append(f"M{onset:.3f} {y:g}v{_DRUM_LANE - 0.8:g}")
            else:
                # A gap at the end keeps repeated notes apart.
                length = end - onset - min(0.02, (end - onset) / 4)
                y = high - int(note["pitch"])
                shapes["notes", shade].append(f"M{onset:.3f} {y}h{length:.3f}v1h-{length:.3f}z")
    octaves = "".join(
        f"M0 {high - pitch + 1}h{duration_seconds:.3f}"
        for pitch in range(low, high + 1)
        if pitch % 12 == 0
    )
    paths = [
        element("path", class_=f"{kind} h{shade}", d="".join(drawn))
        for (kind, shade), drawn in sorted(shapes.items())
    ]
    return element(
        "svg",
        element("path", class_="octaves", d=octaves),
        *paths,
        class_="roll",
        role="img",
        aria_label=description,
        preserveAspectRatio="none",
        viewBox=f"0 0 {duration_seconds:.3f} {max(height, 1)}",
    )


def note_seconds(piece: Piece, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """When the notes of a track begin and end, float64 [notes] each."""
    onsets = track.notes["onset"]
    return (
        piece.ticks_to_seconds(onsets),
        piece.ticks_to_seconds(onsets + track.notes["duration"]),
    )


def drum_lanes(tracks: Sequence[Track]) -> list[str]:
    """Names of the drum lanes that are used, from the top."""
    used = {int(key) for track in tracks if track.is_drum for key in track.notes["pitch"]}
    found = []
    for name, keys in DRUM_ROWS:
        if used & keys:
            found.append(name)
            used -= keys
    return found


def pitch_span(tracks: Sequence[Track]) -> tuple[str, str] | None:
    """The lowest and the highest pitch, such as ("E2", "C4"); None of drums and of no notes."""
    pitches = _pitches(tracks)
    return (
        (pitch_name(int(pitches.min())), pitch_name(int(pitches.max()))) if len(pitches) else None
    )


def _pitches(tracks: Sequence[Track]) -> np.ndarray:
    none = np.zeros(0, np.int16)
    return np.concatenate([none, *(t.notes["pitch"] for t in tracks if not t.is_drum)])
