"""Whether pieces end like endings: on their last bar, on a chord of the key, with a long note."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ritornello.music.keys import KeyName, estimate_key
from ritornello.music.piece import Piece
from ritornello.music.spelling import sounding_pitch_classes

# Triads and sevenths in thirds up the scale: the chords of a key.
_CHORD_STEPS = (0, 2, 4, 6)
_SCALE = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 10)}
_LEADING_TONE, _MAJOR_THIRD = 11, 4


class Ending(NamedTuple):
    """How a piece ends.

    in_last_bar: something sounds in the last bar.
    chord_of_key: what sounds at the last onset of a pitched part is a chord of the key, or part of
        one: thirds on one step of the scale, up to the seventh.
    tonic_chord: it is the chord of the tonic, or part of one, with the tonic in it.
    closing_duration: its longest note lasts a beat or more, and no less than half of the notes do.

    The last three are None in a piece of drums alone.
    """

    in_last_bar: bool
    chord_of_key: bool | None
    tonic_chord: bool | None
    closing_duration: bool | None

    @property
    def complete(self) -> bool:
        """On the last bar, on a chord of the key and with a closing duration."""
        return bool(self.in_last_bar and self.chord_of_key and self.closing_duration)


def ending(piece: Piece) -> Ending:
    """Look at the end of a piece.

    The key is that of `closing_key`. In minor keys the fifth step may have a major third, and
    the closing tonic too.
    """
    piece = piece.at_resolution(24)
    starts = piece.bar_starts_ticks()
    last_bar = int(starts[-1]) if len(starts) else 0
    in_last_bar = any(track.end_ticks > last_bar for track in piece.tracks)
    tables = [track.notes for track in piece.tracks if len(track) and not track.is_drum]
    if not tables:
        return Ending(in_last_bar, None, None, None)
    notes = np.concatenate(tables)
    last = notes["onset"].max()
    final = notes[notes["onset"] + notes["duration"] > last]
    beat = [metre for metre in piece.metres if metre.tick <= last][-1].beat_ticks(24)
    key = closing_key(piece)
    sounding = frozenset((final["pitch"] % 12).tolist())
    return Ending(
        in_last_bar,
        key is not None and any(sounding <= chord for chord in _chords(key)),
        key is not None and key.tonic in sounding and sounding <= _tonic_chord(key),
        bool(final["duration"].max() >= max(beat, np.median(notes["duration"]))),
    )


def endings(pieces: Iterable[Piece]) -> dict[str, float]:
    """Shares of pieces that end so; of those that have pitches for what needs them.

    Returns:
        ``pieces``, then a share for each field of `Ending`, and ``complete``: all but the tonic.
    """
    found = [ending(piece) for piece in pieces]
    pitched = [each for each in found if each.chord_of_key is not None]
    shares = {
        name: float(np.mean([getattr(each, name) for each in pitched])) if pitched else np.nan
        for name in ("chord_of_key", "tonic_chord", "closing_duration", "complete")
    }
    in_last_bar = float(np.mean([each.in_last_bar for each in found])) if found else np.nan
    return {"pieces": len(found), "in_last_bar": in_last_bar, **shares}


def closing_key(piece: Piece) -> KeyName | None:
    """The last key a piece states, else the one its notes are likeliest in, weighed by duration."""
    if piece.keys:
        return piece.keys[-1].key
    return estimate_key(sounding_pitch_classes(piece))


def _chords(key: KeyName) -> list[frozenset[int]]:
    """Pitch classes of the chords of a key, one on each step of its scale."""
    scale = _SCALE[key.is_minor]
    steps = [[scale[(root + up) % 7] for up in _CHORD_STEPS] for root in range(7)]
    if key.is_minor:
        steps += [[_LEADING_TONE if step == 10 else step for step in steps[4]]]
    chords = [frozenset((key.tonic + step) % 12 for step in chord) for chord in steps]
    return [*chords, _tonic_chord(key)]


def _tonic_chord(key: KeyName) -> frozenset[int]:
    scale = _SCALE[key.is_minor]
    steps = {scale[0], scale[2], scale[4], _MAJOR_THIRD}  # a minor piece may end in major
    return frozenset((key.tonic + step) % 12 for step in steps)
