"""The best row of states over time where changes cost something: the Viterbi algorithm."""

from __future__ import annotations

import numpy as np


def best_path(scores: np.ndarray, change_cost: float) -> np.ndarray:
    """The state at each time with the highest sum of scores less the costs of changes.

    All changes cost the same, so the best way to change comes from the best state. Of equal ways
    the one that stays, and of equal states the first.

    Args:
        scores: float [times, rows, states]; each row on its own.
        change_cost: in the unit of the scores.

    Returns:
        int64 [times, rows].
    """
    times, rows, _ = scores.shape
    if not times:
        return np.zeros((0, rows), np.int64)
    stays = np.empty(scores.shape, bool)
    came_from = np.zeros((times, rows), np.int64)
    value, row = scores[0], np.arange(rows)
    for time in range(1, times):
        best = value.argmax(axis=1)
        changed = value[row, best] - change_cost
        came_from[time] = best
        np.greater_equal(value, changed[:, None], out=stays[time])
        value = np.maximum(value, changed[:, None]) + scores[time]
    path = np.empty((times, rows), np.int64)
    path[-1] = state = value.argmax(axis=1)
    for time in range(times - 1, 0, -1):
        state = np.where(stays[time, row, state], state, came_from[time, row])
        path[time - 1] = state
    return path
