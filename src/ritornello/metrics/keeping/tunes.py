"""How the tune of a piece moves: by repeated notes, by seconds, by leaps.

The tune is played by whom `ritornello.plan.players.melody_of` names. Of notes that begin together
the highest counts; notes more than a half note apart are of two phrases and make no step.
"""

from __future__ import annotations

import numpy as np

from ritornello.music.piece import Piece
from ritornello.plan.players import melody_of, owners

_FARTHEST_QUARTERS = 2
_SECOND, _FIFTH = 2, 7


def tune_steps(piece: Piece) -> np.ndarray:
    """The steps of the tune in semitones, int64 [steps]; none where nobody plays pitches."""
    playing = [(player, index) for index, player in enumerate(owners(piece)) if player is not None]
    melody = melody_of([player for player, _ in playing])
    if melody is None:
        return np.zeros(0, np.int64)
    notes = piece.tracks[playing[melody][1]].notes
    order = np.lexsort((notes["pitch"], notes["onset"]))
    onsets, pitches = notes["onset"][order], notes["pitch"][order].astype(np.int64)
    highest = np.append(np.diff(onsets) > 0, True)
    onsets, pitches = onsets[highest], pitches[highest]
    near = np.diff(onsets) <= _FARTHEST_QUARTERS * piece.resolution
    steps: np.ndarray = np.diff(pitches)[near]
    return steps


def repeated_notes(piece: Piece) -> float:
    """Share of the steps of the tune that repeat its note; nan where there is none."""
    return _share(piece, 0, 0)


def seconds(piece: Piece) -> float:
    """Share of the steps of the tune that are a semitone or a tone."""
    return _share(piece, 1, _SECOND)


def wide_leaps(piece: Piece) -> float:
    """Share of the steps of the tune that are wider than a fifth."""
    return _share(piece, _FIFTH + 1, 127)


def _share(piece: Piece, least: int, most: int) -> float:
    steps = np.abs(tune_steps(piece))
    return float(((steps >= least) & (steps <= most)).mean()) if len(steps) else np.nan
