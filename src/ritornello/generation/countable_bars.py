"""Bars that a model can count, for music in any metre.

A model counts whole ticks, 24 a quarter, in bars of up to eight quarters, and knows some metres
by name. A bar it cannot count is read as several that it can. Wherever a bar of the music begins,
one begins for the model: a metre that does not last whole ticks is set again at every bar line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil, floor

from ritornello.music.piece import Metre, Piece
from ritornello.note_model.encoding.bar_grid import LONGEST_BAR_TICKS, METRES
from ritornello.note_model.encoding.notes import RESOLUTION

Counts = tuple[int, int]  # numerator and denominator
_WHOLE_NOTE_TICKS = 4 * RESOLUTION


@dataclass(frozen=True)
class MetreSpan:
    """Bars of one metre.

    Attributes:
        metre: as written.
        bars: their numbers in the piece, from 1.
        length: of a bar, in ticks of the model; exact.
        read_as: what each bar is read as, one metre after the other.
    """

    metre: Metre
    bars: range
    length: Fraction
    read_as: tuple[Counts, ...]

    @property
    def is_whole(self) -> bool:
        """Whether its bars, as long as the metre says, last whole ticks."""
        counts = self.metre.numerator, self.metre.denominator
        return self.length.denominator == 1 and self.length == _length(counts)

    def warning(self) -> str:
        """How the bars are read otherwise than they are written; empty if they are not."""
        name = _name((self.metre.numerator, self.metre.denominator))
        if len(self.read_as) > 1:
            return f"a bar of {name} is too long to count; it is read as {_sum(self.read_as)}."
        if not self.is_whole:
            return f"{name} does not fit the ticks; its bar lines are read to the nearest of them."
        if _name(self.read_as[0]) != name:
            return f"{name} is read as {_name(self.read_as[0])}, which lasts as long."
        return (
            "" if self.read_as[0] in METRES else f"{name} is counted, but a model hardly knows it."
        )


def spans(piece: Piece) -> Iterator[MetreSpan]:
    """The bars of a piece, a span for each metre of its map that has any."""
    first = 1
    for metre, end in piece.metre_spans():
        bar_ticks = metre.bar_ticks(piece.resolution)
        count = -(-(min(end, piece.length_ticks) - metre.tick) // bar_ticks)
        if count > 0:
            length = Fraction(bar_ticks * RESOLUTION, piece.resolution)
            yield MetreSpan(
                metre, range(first, first + count), length, _countable_metres(metre, length)
            )
            first += count


def countable_metre_map(piece: Piece, found: list[MetreSpan]) -> tuple[Metre, ...]:
    """The metre map, at 24 ticks a quarter, of a piece with these spans."""
    metres: list[Metre] = []
    for span in found:
        start = Fraction(span.metre.tick * RESOLUTION, piece.resolution)
        while metres and metres[-1].tick >= _nearest_tick(start):
            metres.pop()  # of a bar that the new metre cuts short
        count = 1 if span.is_whole and len(span.read_as) == 1 else len(span.bars)
        for bar in range(count):
            at = start + bar * span.length
            for counts in span.read_as:
                metre = Metre(_nearest_tick(at), *counts)
                if not (metres and _goes_on(metres[-1], metre)):
                    metres.append(metre)
                at += _length(counts)
    return tuple(metres)


def _nearest_tick(at: Fraction) -> int:
    return floor(at + Fraction(1, 2))


def _goes_on(before: Metre, metre: Metre) -> bool:
    """Whether bars of the metre before would begin here anyway."""
    bars, rest = divmod(metre.tick - before.tick, before.bar_ticks(RESOLUTION))
    return before[1:] == metre[1:] and bars > 0 and rest == 0


def _countable_metres(metre: Metre, length: Fraction) -> tuple[Counts, ...]:
    counts = metre.numerator, metre.denominator
    if length <= LONGEST_BAR_TICKS:
        return (_countable(counts, length),)
    return tuple(_countable(group, _length(group)) for group in _groups(counts))


def _countable(counts: Counts, length: Fraction) -> Counts:
    """The known metre of that length with the nearest beat, or else one as long or just longer."""
    alike = [known for known in METRES if _length(known) == length]
    if counts in alike:
        return counts
    if alike:
        return min(alike, key=lambda known: abs(_beat_ticks(known) - _beat_ticks(counts)))
    if _length(counts) == length and length.denominator == 1:
        return counts
    return ceil(length / _length((1, 32))), 32


def _groups(counts: Counts) -> list[Counts]:
    """A long bar as groups: of three beats if three divides it, and else of a whole note each.

    What remains is a group of its own, or goes to the last one where it would be no known metre.
    """
    numerator, denominator = counts
    by_three = numerator % 3 == 0 and denominator > 1
    size = max(3, 3 * denominator // 4) if by_three else denominator
    groups, rest = divmod(numerator, size)
    sizes = [size] * groups
    if rest and any(_length(known) == _length((rest, denominator)) for known in METRES):
        sizes.append(rest)
    else:
        sizes[-1] += rest
    return [(size, denominator) for size in sizes]


def _length(counts: Counts) -> Fraction:
    return Fraction(_WHOLE_NOTE_TICKS * counts[0], counts[1])


def _beat_ticks(counts: Counts) -> int:
    return Metre(0, *counts).beat_ticks(RESOLUTION)


def _name(counts: Counts) -> str:
    return f"{counts[0]}/{counts[1]}"


def _sum(counts: tuple[Counts, ...]) -> str:
    terms = []
    for name, group in groupby(map(_name, counts)):
        times = len(list(group))
        terms += [f"{times} x {name}"] if times > 2 else [name] * times
    return " + ".join(terms)
