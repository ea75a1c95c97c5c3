"""The best row of states over time where changes cost something: the Viterbi algorithm.

`best_path` is for changes that all cost the same, which takes time linear in the number of states;
`cheapest_path` for any costs, which takes time quadratic in it.
"""

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


def cheapest_path(costs: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The state at each time with the lowest sum of costs and of the costs of its steps.

    Of equal ways to a state the one from the first state, and of equal last states the first.

    Args:
        costs: float [times, states].
        steps: float [times - 1, states, states], from a state at a time (row) to one at the next.

    Returns:
        int64 [times].
    """
    if not len(costs):
        return np.zeros(0, np.int64)
    value = costs[0]
    came_from = np.zeros(costs.shape, np.int64)
    for time, step in enumerate(steps, 1):
        total = value[:, None] + step
        came_from[time] = total.argmin(axis=0)
        value = total.min(axis=0) + costs[time]
    path = np.empty(len(costs), np.int64)
    path[-1] = value.argmin()
    for time in range(len(costs) - 1, 0, -1):
        path[time - 1] = came_from[time, path[time]]
    return path
