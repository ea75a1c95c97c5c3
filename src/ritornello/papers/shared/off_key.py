"""Notes outside the key: found, and moved or removed, in a piece that is already written.

What `groovybee2018` asked for next. A piece changes its key as it goes, so the key is estimated
anew for every span of it. It is a blunt tool: real music has many notes outside its key, and the
filter cannot tell those from wrong ones. `ritornello.generation.rules` keeps a key while the
piece is written, which needs no filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.keys import estimate_key
from ritornello.music.piece import Piece
from ritornello.music.spelling import sounding_pitch_classes

SPAN_BEATS = 32.0


@dataclass(frozen=True)
class Filtered:
    """A piece without notes outside its key, and what was done to it.

    Attributes:
        off_key: notes found outside the key; each was moved or removed.
        moved: by a semitone. removed: taken out.
    """

    piece: Piece
    off_key: int
    moved: int
    removed: int


def off_key_notes(piece: Piece, *, span_beats: float = SPAN_BEATS) -> list[np.ndarray]:
    """Which notes lie outside the key of their span; bool [notes] for each track.

    Drums have no key, and neither has a span with too few notes to tell one.

    Args:
        span_beats: quarter notes that share one key; `math.inf` for one key in all.

    Raises:
        ConfigError: if the span is not positive.
    """
    if not span_beats > 0:
        raise ConfigError(f"A span lasts more than 0 beats; found {span_beats:g}.")
    span_ticks = min(span_beats * piece.resolution, piece.length_ticks + 1)
    spans = [(track.notes["onset"] // span_ticks).astype(int) for track in piece.tracks]
    used = np.unique(np.concatenate([np.zeros(0, int), *spans])).tolist()
    scales = {span: _scale(piece, [of == span for of in spans]) for span in used}
    found = []
    for track, of in zip(piece.tracks, spans, strict=True):
        scale = np.array([scales[span] for span in of.tolist()], bool).reshape(-1, 12)
        inside = scale[np.arange(len(track)), track.notes["pitch"] % 12]
        found.append(~inside & (not track.is_drum))
    return found


def without_off_key(
    piece: Piece,
    *,
    span_beats: float = SPAN_BEATS,
    action: Literal["move", "remove"] = "move",
) -> Filtered:
    """A piece with every note in the key of its span, as far as that key can be told.

    Args:
        span_beats: quarter notes that share one key.
        action: "move" down a semitone, where every major and minor key has a note; one that would
            sound together with another of its part at that pitch is removed. "remove" them all.

    Raises:
        ConfigError: if the span is not positive or there is no such action.
    """
    if action not in ("move", "remove"):
        raise ConfigError(f"No action is called {action!r}.", next_step="There are: move, remove.")
    tracks, found, moved = [], 0, 0
    outside_of = off_key_notes(piece, span_beats=span_beats)
    for track, outside in zip(piece.tracks, outside_of, strict=True):
        notes, kept = track.notes.copy(), ~outside
        for index in np.flatnonzero(outside).tolist() if action == "move" else ():
            notes["pitch"][index] += -1 if notes["pitch"][index] else 1
            if not (kept & _together(notes, index)).any():
                kept[index] = True
                moved += 1
        found += int(outside.sum())
        tracks.append(replace(track, notes=notes[kept]))
    return Filtered(replace(piece, tracks=tuple(tracks)), found, moved, found - moved)


def _scale(piece: Piece, chosen: list[np.ndarray]) -> np.ndarray:
    """Pitch classes of the key of some notes, bool [notes] for each track; bool [12]."""
    tracks = [
        replace(track, notes=track.notes[here])
        for track, here in zip(piece.tracks, chosen, strict=True)
    ]
    key = estimate_key(sounding_pitch_classes(replace(piece, tracks=tuple(tracks))))
    scale = np.ones(12, bool)
    if key is not None:
        scale[:] = [pitch_class in key.pitch_classes for pitch_class in range(12)]
    return scale


def _together(notes: np.ndarray, index: int) -> np.ndarray:
    """Notes that sound at the pitch and during the time of one of them; bool [notes]."""
    one, ends = notes[index], notes["onset"] + notes["duration"]
    overlap = (notes["onset"] < one["onset"] + one["duration"]) & (ends > one["onset"])
    result: np.ndarray = overlap & (notes["pitch"] == one["pitch"])
    return result
