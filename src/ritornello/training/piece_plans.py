"""The plan of each piece of a corpus, read when it is first drawn (8 ms a piece), then kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ritornello.plan.analysis import analyse
from ritornello.plan.plan import Plan
from ritornello.training.batches import Music

_MOST_KEPT = 16_384  # 10 to 20 KB each


def piece_plans(music: Music) -> Callable[[int], Plan]:
    """A function from the index of a piece to its plan, for `batches.Rows`."""

    @lru_cache(maxsize=_MOST_KEPT)
    def plan_of(index: int) -> Plan:
        return analyse(music.piece(index))

    return plan_of
