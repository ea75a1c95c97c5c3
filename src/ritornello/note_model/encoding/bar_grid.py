"""Where in the music a tick lies: its bar, its place in the bar and the beat, how much is left."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from ritornello.music.piece import Metre
from ritornello.note_model.encoding.notes import RESOLUTION

LONGEST_BAR_TICKS = 192
PHRASE_BARS = 16
METRES = (
    (4, 4), (3, 4), (2, 4), (6, 8), (2, 2), (3, 8), (9, 8), (12, 8),
    (6, 4), (3, 2), (5, 4), (7, 8), (7, 4), (5, 8), (4, 2),
)  # fmt: skip
DONE_EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 64)
_LEFT_EDGES = (*range(1, 18), 21, 25, 33, 49, 65, 97, 129)
BARS_LEFT_UNKNOWN = len(_LEFT_EDGES) + 1


class Grid:
    """The bars of a piece: where in the music a tick lies.

    Args:
        metres: the metre map, at 24 ticks a quarter.
        length_ticks: the final bar line, or None for music without an end.
    """

    def __init__(self, metres: tuple[Metre, ...], length_ticks: int | None) -> None:
        starts, lengths, beats, names = [], [], [], []
        for index, metre in enumerate(metres):
            bar = metre.bar_ticks(RESOLUTION)
            last = index + 1 == len(metres)
            end = metres[index + 1].tick if not last else length_ticks
            if end is None:
                end = metre.tick + bar  # `locate_one` counts on from the last bar
            ticks = np.arange(metre.tick, end, bar)
            starts.append(ticks)
            lengths.append(np.full(len(ticks), bar))
            beats.append(np.full(len(ticks), metre.beat_ticks(RESOLUTION)))
            pair = (metre.numerator, metre.denominator)
            name = METRES.index(pair) if pair in METRES else len(METRES)
            names.append(np.full(len(ticks), name))
        self.bar_starts = np.concatenate(starts)
        self.bar_lengths = np.concatenate(lengths)
        self._beats = np.concatenate(beats)
        self._metres = np.concatenate(names)
        self.length_ticks = length_ticks
        tables = (self.bar_starts, self.bar_lengths, self._beats, self._metres)
        self._bars = [*zip(*(table.tolist() for table in tables), strict=True)]
        self._starts = self.bar_starts.tolist()

    def locate_one(self, tick: int) -> tuple[list[int], list[int], int]:
        """`locate` for one tick, without the price of arrays; also far into endless music."""
        index = bisect_right(self._starts, tick) - 1
        start, length, beat, metre = self._bars[index]
        beyond, into_bar = 0, tick - start
        if self.length_ticks is None:
            beyond, into_bar = divmod(into_bar, length)
        bar = index + beyond
        if self.length_ticks is None:
            left = BARS_LEFT_UNKNOWN
        elif tick >= self.length_ticks:  # the final bar line is where another bar would begin
            bar, into_bar, left = len(self._starts), 0, 0
        else:
            left = bisect_right(_LEFT_EDGES, len(self._starts) - bar)
        place = [
            min(into_bar, LONGEST_BAR_TICKS - 1),
            min(into_bar % beat, 47),
            bar % PHRASE_BARS,
            left,
        ]
        return place, [bisect_right(DONE_EDGES, bar), metre], length

    def locate(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where ticks lie.

        Returns:
            place: int64 [ticks, 4], the columns of `PLACE`.
            rest: int64 [ticks, 2], bars done (class) and metre (class).
            bar_length: int64 [ticks], length of the bar in ticks.
        """
        bar = np.searchsorted(self.bar_starts, ticks, side="right") - 1
        into_bar = ticks - self.bar_starts[bar]
        number = bar
        left = np.full(len(ticks), BARS_LEFT_UNKNOWN)
        if self.length_ticks is not None:
            # The final bar line looks like the start of another bar, so that nothing but the bars
            # left, which can be hidden, gives an ending away.
            over = ticks >= self.length_ticks
            number = bar + over
            into_bar = np.where(over, 0, into_bar)
            left = np.digitize(np.where(over, 0, len(self.bar_starts) - bar), _LEFT_EDGES)
        place = np.stack(
            [
                np.minimum(into_bar, LONGEST_BAR_TICKS - 1),
                np.minimum(into_bar % self._beats[bar], 47),
                number % PHRASE_BARS,
                left,
            ],
            axis=1,
        )
        rest = np.stack([np.digitize(number, DONE_EDGES), self._metres[bar]], axis=1)
        return place, rest, self.bar_lengths[bar]
