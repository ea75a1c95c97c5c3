"""Notes as (pitch, step, duration): one track, one row a note, time as real numbers of beats.

    pitch     MIDI pitch or drum key, 0-127
    step      beats since the previous note began; 0 for the first one
    duration  beats that the note lasts

The representation of TensorFlow's tutorial "Generate music with an RNN" (2021) and of
`hybrid-gru2023`. A beat is a quarter note, as in symbolic piano-rolls, which have no tempo.

Kept exactly: pitches, durations, and the distances between onsets. Lost, and counted by
`count_losses`: loudness, tempo and metre, and the silence before the first note and after the last
one.
"""

from __future__ import annotations

import numpy as np

from ritornello.errors import InputError
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece, Track

PITCH, STEP, DURATION = range(3)
COLUMNS = ("pitch", "step", "duration")
PITCHES = 128
_VELOCITY = 80  # of decoded notes


def encode(track: Track, resolution: int) -> np.ndarray:
    """The notes of a track, float64 [notes, 3], by onset and then by pitch.

    Args:
        resolution: ticks a quarter note.

    Raises:
        InputError: if the track has no notes.
    """
    if not len(track):
        raise InputError("A track without notes has nothing to learn from.", where=track.label)
    onset = track.notes["onset"]
    columns = (
        track.notes["pitch"].astype(float),
        np.diff(onset, prepend=onset[0]) / resolution,
        track.notes["duration"] / resolution,
    )
    return np.stack(columns, axis=1)


def decode(
    rows: np.ndarray,
    *,
    resolution: int = 24,
    program: int = 0,
    is_drum: bool = False,
    name: str = "",
) -> Track:
    """A track of rows [notes, 3] that were encoded or predicted.

    Onsets are summed before they are rounded, so that small errors of steps do not add up.
    A negative step counts as 0; no note is shorter than a tick; pitches are kept within 0-127.
    """
    rows = np.asarray(rows, float).reshape(-1, len(COLUMNS))
    notes = np.empty(len(rows), NOTE_DTYPE)
    notes["onset"] = np.rint(np.cumsum(np.maximum(rows[:, STEP], 0)) * resolution)
    notes["duration"] = np.maximum(1, np.rint(rows[:, DURATION] * resolution))
    notes["pitch"] = np.clip(np.rint(rows[:, PITCH]), 0, PITCHES - 1)
    notes["velocity"] = _VELOCITY
    return Track(notes, program, is_drum, name)


def count_losses(piece: Piece) -> dict[str, int]:
    """What `encode` drops of the tracks of a piece, by name.

    ``loudness``: notes of another velocity than the note before them. ``tempo`` and ``metre``:
    settings, the first one included. ``silence_ticks``: before the first and after the last note,
    summed over the tracks.
    """
    tracks = [track for track in piece.tracks if len(track)]
    return {
        "loudness": sum(int((np.diff(track.notes["velocity"]) != 0).sum()) for track in tracks),
        "tempo": len(piece.tempos),
        "metre": len(piece.metres),
        "silence_ticks": sum(
            int(track.notes["onset"][0]) + piece.length_ticks - track.end_ticks for track in tracks
        ),
    }
