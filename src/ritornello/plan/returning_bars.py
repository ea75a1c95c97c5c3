"""Which earlier bar each bar returns to, and how closely.

A bar may return to any bar that it has a quarter of its strokes in common with. Of all ways to say
for each bar which one that is, the one with the highest sum of likeness is taken, in which a change
of distance costs something: so a verse that comes back returns to the verse before, bar for bar,
also where single bars are as like to others. Of equal ways the nearest bar counts.

The costs are the best of a search on the sets: at this cost of a change half as many changes of the
distance are left as at none, and no more than 1 to 3 of 100 notes that stood in the best earlier
bar stand no longer in the one returned to.
"""

from __future__ import annotations

import numpy as np

from ritornello.plan.bar_strokes import Shared
from ritornello.plan.best_path import best_path

NEW, VARIED, AGAIN = range(3)
CLOSENESS = ("new", "varied", "again")
VARIED_LEAST, AGAIN_LEAST = 0.25, 0.8  # of the strokes that either bar has (Jaccard)
_CHANGE_COST = 0.1  # in the same unit
_NOT = -1e9


def returns(shared: Shared) -> tuple[np.ndarray, np.ndarray]:
    """For the whole and for each player: how many bars back, and how closely.

    Silence returns to silence: of the whole a bar without strokes may return to another; a player
    who is silent in a bar returns to nothing there, and what comes before and after is one.

    Returns:
        back: int64 [bars, 1 + players], the whole first; 0 where it is new.
        close: int64 [bars, 1 + players], `NEW`, `VARIED` or `AGAIN`.
    """
    played = shared.counts.sum(axis=1) > 0
    whole = np.where(shared.both_silent, 1.0, shared.alike)
    alike = np.concatenate([whole[:, None], shared.alike_by_player], axis=1)
    plays = np.concatenate([np.ones((len(played), 1), bool), shared.counts > 0], axis=1)
    scores = np.where(alike >= VARIED_LEAST, alike, _NOT)
    scores[..., 0] = VARIED_LEAST
    scores[~plays] = 0.0
    back = best_path(scores, _CHANGE_COST)
    back[~plays] = 0
    found = np.take_along_axis(alike, back[..., None], axis=2)[..., 0]
    close = np.where(back == 0, NEW, np.where(found >= AGAIN_LEAST, AGAIN, VARIED))
    return back, close
