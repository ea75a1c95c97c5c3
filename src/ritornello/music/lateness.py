"""A piece in, how late all of its notes lie beside the sixteenths out.

A song that was recorded to no click, or cut anywhere and quantised afterwards, often has all notes
in time with each other and none on a beat.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.music.piece import Piece
from ritornello.music.slicing import bars_at

_STEPS = 4  # of a quarter
_LEAST_NOTES = 32
_NEAR_QUARTERS = 1 / 48  # that notes may be off their place
_LEAST_SHARE = 0.8  # of the notes that are near it


def lateness(piece: Piece) -> float:
    """How many quarters all notes are late; negative if early, 0 where they are not all alike."""
    onsets = np.concatenate([np.zeros(0, np.int64), *(t.notes["onset"] for t in piece.tracks)])
    if len(onsets) < _LEAST_NOTES:
        return 0.0
    # From their bar lines, which may lie beside the quarters themselves.
    within = onsets - piece.bar_starts_ticks()[bars_at(piece, onsets)]
    at = within / piece.resolution * _STEPS
    late = float(np.angle(np.exp(2j * np.pi * at).mean())) / (2 * np.pi)
    apart = np.abs((at - late + 0.5) % 1 - 0.5) / _STEPS
    late /= _STEPS
    is_sure = (apart <= _NEAR_QUARTERS).mean() >= _LEAST_SHARE
    return late if is_sure and abs(late) > _NEAR_QUARTERS else 0.0


def in_time(piece: Piece) -> Piece:
    """The piece with its notes on the sixteenths that they lie beside, if they all do alike."""
    ticks = round(lateness(piece) * piece.resolution)
    if ticks == 0:
        return piece
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        notes["onset"] = np.maximum(notes["onset"] - ticks, 0)
        tracks.append(replace(track, notes=notes))
    return replace(piece, tracks=tuple(tracks))
