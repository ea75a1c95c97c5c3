"""The order in which the measures of a score are played: repeats, endings, D.C., D.S. and coda.

Repeats and numbered endings are played out first. Where a measure with D.C. or D.S. has been played
for the last time, the movement begins again, at its start or at the sign, and goes on without
repeats, by the last of the endings: until Fine, or until To Coda and then from the coda on, or
until where it jumped from. After Fine the next movement follows, if there is one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ritornello.errors import InputError
from ritornello.music.io.musicxml.leads import (
    AL_CODA,
    AL_FINE,
    CODA,
    DA_CAPO,
    DAL_SEGNO,
    FINE,
    JUMPS,
    SEGNO,
    TO_CODA,
)

MAX_PLAYED_MEASURES = 50_000


class Bar(Protocol):
    """What a measure says of the order."""

    @property
    def repeats_from(self) -> bool: ...
    @property
    def repeat_times(self) -> int: ...
    @property
    def endings(self) -> frozenset[int]:
        """The passes it is played in, empty for all."""

    @property
    def leads(self) -> frozenset[str]:
        """As of `leads`."""

    @property
    def begins_anew(self) -> bool:
        """Whether measures are counted from one again, as in another movement."""


class PlayOrder(NamedTuple):
    """Indices of measures as they are played; those whose jump was, or leads nowhere."""

    measures: list[int]
    jumps: set[int]
    lost_jumps: set[int]


class _Jump(NamedTuple):
    """A D.C. or D.S.: where it stands and leads, where To Coda leads from there on, where the next
    movement begins, and whether this one ends at Fine.

    ``coda`` is 0 for none.
    """

    source: int
    target: int
    coda: int
    next_movement: int
    ends_at_fine: bool


def play_order(bars: Sequence[Bar]) -> PlayOrder:
    """Measures to the order they are played in.

    Raises:
        InputError: if the repeats unfold to more than 50,000 measures.
    """
    order: list[int] = []
    groups = _ending_groups(bars)
    leaves, jumps = _jumps(bars)
    taken: set[int] = set()  # measures whose jump was played
    jump: _Jump | None = None  # while its way back is played
    index = section = 0
    current_pass = 1
    while index < len(bars):
        bar = bars[index]
        if jump is not None and bar.endings:
            current_pass = groups[index].bit_length() - 1  # the last of them
        if bar.repeats_from and index > section:
            section, current_pass = index, 1
        if current_pass not in bar.endings and groups[index] >> current_pass & 1:
            index += 1
            continue
        order.append(index)
        if len(order) > MAX_PLAYED_MEASURES:
            raise InputError(f"The repeats unfold to more than {MAX_PLAYED_MEASURES:,} measures.")
        if jump is not None:
            following = index + 1
            if FINE in bar.leads and jump.ends_at_fine:
                following = jump.next_movement
            elif index in leaves and index < jump.coda:
                taken.add(index)
                following = jump.coda
            if following != index + 1 or index == jump.source:
                section, jump, current_pass = following, None, 1
            index = following
            continue
        endings_after = bars[index + 1].endings if index + 1 < len(bars) else frozenset()
        times = bar.repeat_times
        if times and bar.endings:
            more = endings_after and min(endings_after) > current_pass
            times = max(bar.endings) + 1 if more else max(bar.endings)
        if current_pass < times:
            current_pass += 1
            index = section
            continue
        if index in jumps and index not in taken:
            taken.add(index)
            jump = jumps[index]
            index, section, current_pass = jump.target, jump.target, 1
            continue
        if times or (bar.endings and not endings_after):
            section, current_pass = index + 1, 1
        index += 1
    said = {index for index, bar in enumerate(bars) if bar.leads & JUMPS}
    return PlayOrder(order, taken, said - taken)


def _jumps(bars: Sequence[Bar]) -> tuple[set[int], dict[int, _Jump]]:
    """Where To Coda stands, and the jump of each measure with D.C. or D.S. that leads anywhere."""
    leaves, signs = _having(bars, TO_CODA), _having(bars, CODA)
    if not leaves and len(signs) > 1:  # signs alone: the first leads to the last
        leaves = signs[:1]
    codas = sorted({*signs} - {*leaves})
    starts = [0, *(index for index, bar in enumerate(bars) if bar.begins_anew)]
    targets = {DA_CAPO: starts, DAL_SEGNO: _having(bars, SEGNO)}
    found: dict[int, _Jump] = {}
    for index, bar in enumerate(bars):
        kind = next((kind for kind in targets if kind in bar.leads), None)
        place = 0 if kind is None else bisect_right(targets[kind], index)
        if kind is None or not place:
            continue
        target = targets[kind][place - 1]
        after = bisect_right(starts, index)
        next_movement = starts[after] if after < len(starts) else len(bars)
        behind = bisect_right(codas, index)
        coda = codas[behind] if behind < len(codas) and AL_FINE not in bar.leads else 0
        if coda >= next_movement:
            coda = 0
        leave = bisect_left(leaves, target)
        if AL_CODA in bar.leads and not (coda and leave < len(leaves) and leaves[leave] < coda):
            continue
        found[index] = _Jump(index, target, coda, next_movement, AL_CODA not in bar.leads)
    return {*leaves}, found


def _having(bars: Sequence[Bar], lead: str) -> list[int]:
    return [index for index, bar in enumerate(bars) if lead in bar.leads]


def _ending_groups(bars: Sequence[Bar]) -> list[int]:
    """For each bar the passes that it or a later ending of the same group is for, as bits."""
    groups: list[int] = []
    passes = 0
    for bar in reversed(bars):
        passes = passes | sum(1 << number for number in bar.endings) if bar.endings else 0
        groups.append(passes)
    return groups[::-1]
