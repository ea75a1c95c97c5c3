"""The longest periodic run in a sequence of tokens: how weak generators usually end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Loop(NamedTuple):
    """A stretch of ``length`` tokens in which each equals the one ``period`` before."""

    period: int
    length: int


def longest_loop(
    tokens: Sequence[object], *, longest_period: int = 50, times: int = 3
) -> Loop | None:
    """The longest stretch that goes round at least ``times`` times, or None.

    >>> longest_loop("abcxyxyxyxyz")
    Loop(period=2, length=8)

    Of stretches of the same length the one with the shortest period.

    Args:
        tokens: anything that can be compared.
        longest_period: longer circles are phrases and forms, not faults.
        times: real music often says a thing twice.
    """
    best = None
    for period in range(1, min(longest_period, len(tokens) // times) + 1):
        run = 0
        for now, before in zip(tokens[period:], tokens, strict=False):
            run = run + 1 if now == before else 0
            length = run + period
            if length >= times * period and (best is None or length > best.length):
                best = Loop(period, length)
    return best
