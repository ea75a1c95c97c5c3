"""The last bar of a remix: everyone who plays strikes its first beat.

The network ends on the tonic's triad, but who rests there it lets rest, and a band of which one
plays the last chord has not ended together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.accompany.following import is_bass
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import NOTE_DTYPE, note_table
from ritornello.music.piece import Piece, Track

_LAST_STROKES = (35, 36, 49, 57)  # bass drums and crashes
_AS_LOUD_AS = 8  # notes before it


def with_ending(piece: Piece, key: KeyName, player: int = 0) -> Piece:
    """A piece in whose last bar all strike who play in it, but for the player.

    Who rests there gets notes of the tonic's triad that are nearest to its last ones, a bass the
    tonic, of the pitches that it plays in the piece: so what was asked of pitches holds. Who has
    none of these goes on resting. A drummer strikes bass drum and crash as far as it plays them.

    Args:
        key: of the piece. player: index of the track that is followed; it stays.
    """
    starts = piece.bar_starts_ticks()
    if not len(starts):
        return piece
    start, length = int(starts[-1]), piece.length_ticks - int(starts[-1])
    tracks = list(piece.tracks)
    for index, track in enumerate(tracks):
        if index != player and len(track) and track.notes["onset"].max() < start:
            notes = np.zeros(len(pitches := _last_pitches(track, key)), NOTE_DTYPE)
            notes["onset"], notes["duration"], notes["pitch"] = start, length, pitches
            notes["velocity"] = np.median(track.notes["velocity"][-_AS_LOUD_AS:])
            tracks[index] = replace(track, notes=note_table(np.append(track.notes, notes)))
    return replace(piece, tracks=tuple(tracks))


def _last_pitches(track: Track, key: KeyName) -> list[int]:
    """What a part strikes last that has stopped before; nothing if it plays no such note."""
    onsets, pitches = track.notes["onset"], track.notes["pitch"]
    played = [int(pitch) for pitch in np.unique(pitches)]
    last = [int(pitch) for pitch in np.unique(pitches[onsets == onsets.max()])]
    if track.is_drum:
        return [pitch for pitch in played if pitch in _LAST_STROKES] or last
    third = 3 if key.is_minor else 4
    triad = {(key.tonic + step) % 12 for step in ((0,) if is_bass(track) else (0, third, 7))}
    fitting = [pitch for pitch in played if pitch % 12 in triad]
    if not fitting:
        return []
    own = np.array(fitting)
    return sorted({int(own[np.abs(own - pitch).argmin()]) for pitch in last})
