"""How loud new notes are: as loud as what is given around them, and as even.

A model hears how loud a song is and answers in its own way: voices at 126 below a melody at 84. So
what it wrote keeps its accents, but no more of them than the song has, around the loudness of the
song. A song that is all of one loudness gets notes of that loudness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ritornello.music.piece import Piece, Track
from ritornello.note_model.encoding.notes import RESOLUTION

_NEAR_TICKS = 8 * RESOLUTION  # notes so far away count 1/e as much
_STEP_TICKS = 2 * RESOLUTION  # how often the loudness of the song is looked up
_ENOUGH_NOTES = 8  # of a part, to tell how loudly it is played
_SOFTEST, _LOUDEST = 1, 127
_PASSES = 4  # what is held back at the edges is made good by the others


def at_loudness(tracks: Sequence[Track], loudness: float) -> tuple[Track, ...]:
    """Tracks moved together to a mean velocity; what would be beyond the range stays within it."""
    found = [*tracks]
    for _ in range(_PASSES):
        total = [each.notes["velocity"] for each in found]
        if not sum(map(len, total)):
            return tuple(found)
        change = loudness - float(np.concatenate(total).mean())
        for index, track in enumerate(found):
            table = track.notes.copy()
            moved = np.round(table["velocity"] + change)
            table["velocity"] = np.clip(moved, _SOFTEST, _LOUDEST)
            found[index] = replace(track, notes=table)
    return tuple(found)


def as_loud(
    composed: Mapping[int, Track], given: Piece, homes: Mapping[int, int]
) -> dict[int, Track]:
    """Composed tracks as loud as the given music around them.

    Args:
        composed: by part class, at 24 ticks a quarter.
        given: the song without them, at any resolution.
        homes: part class -> index of the given track that its notes join. What that track plays
            counts, where it is enough; else what all of them play.
    """
    song = given.at_resolution(RESOLUTION)
    found = {}
    for part, track in composed.items():
        own = song.tracks[homes[part]].notes if part in homes else np.zeros(0, track.notes.dtype)
        all_ = np.concatenate([own[:0], *(each.notes for each in song.tracks)])
        heard = own if len(own) >= _ENOUGH_NOTES else all_
        found[part] = _like(track, heard) if len(heard) and len(track) else track
    return found


def _like(track: Track, heard: np.ndarray) -> Track:
    """A track around the loudness of notes, its accents no stronger than theirs."""
    table = track.notes.copy()
    own = table["velocity"].astype(float)
    spread = float(own.std())
    accents = (own - own.mean()) * min(1.0, float(heard["velocity"].std()) / max(spread, 1e-9))
    loudness = _loudness_at(table["onset"], heard) + accents
    table["velocity"] = np.clip(np.round(loudness), _SOFTEST, _LOUDEST)
    return replace(track, notes=table)


def _loudness_at(onsets: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Mean velocity of the notes heard around each onset, the nearer the more; float64."""
    steps, step_of = np.unique(onsets // _STEP_TICKS, return_inverse=True)
    centres = (steps + 0.5) * _STEP_TICKS
    found = np.empty(len(centres))
    for index, centre in enumerate(centres):
        apart = np.abs(heard["onset"] - centre)
        weights = np.exp(-(apart - apart.min()) / _NEAR_TICKS)
        found[index] = np.average(heard["velocity"], weights=weights)
    result: np.ndarray = found[step_of]
    return result
