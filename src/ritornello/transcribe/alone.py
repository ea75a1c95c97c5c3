"""Whether one player is heard alone, or several, by the notes that were transcribed.

Of several players notes are less clear, for they hide each other, and they lie further apart. What
weighs both is a logit that `experiments.listening.player_alone` has learned from clips of either.
"""

from __future__ import annotations

import numpy as np

_NATS_OF_SEVERAL = np.array([1.7, -8.1, 0.17])  # a constant, and of `clearness_and_range`
_SURELY_ALONE = -1.0  # in nats: bands lose more by the network of players than players by theirs
_OUTERMOST = 0.05, 0.95  # notes beyond these shares may be wrong


def is_alone(notes: np.ndarray) -> bool:
    """Whether notes, `HEARD_NOTE_DTYPE`, are surely of one player."""
    if not len(notes):
        return False
    nats = _NATS_OF_SEVERAL[0] + clearness_and_range(notes) @ _NATS_OF_SEVERAL[1:]
    return bool(nats < _SURELY_ALONE)


def clearness_and_range(notes: np.ndarray) -> np.ndarray:
    """The mean confidence of notes, and how many semitones they lie apart but for outliers, [2]."""
    low, high = np.quantile(notes["pitch"], _OUTERMOST)
    return np.array([float(notes["confidence"].mean()), high - low])
