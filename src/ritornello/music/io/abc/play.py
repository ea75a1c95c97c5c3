"""In which order the measures of an ABC tune are played: parts, repeats and numbered endings.

A strain is what is repeated: a body, and endings for some of the times through. It begins where
``|:`` says or, without one, after the last repeat or double bar, as printed music is read; its
last ending closes nothing that is played again. Measures are looked at once; what is played is
limited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from ritornello.errors import InputError
from ritornello.music.io.abc.fields import parts_order

MOST_PLAYED = 50_000


@dataclass(frozen=True)
class Signs:
    """What stands at one measure, of all voices: see `ritornello.music.io.abc.score.Measure`."""

    repeat_from: int = 0
    repeat_to: int = 0
    passes: frozenset[int] = frozenset()
    is_section_end: bool = False
    part: str = ""


def play_order(measures: list[Signs], order: str, tell: Callable[[str], None]) -> list[int]:
    """Indices of the measures as they are played.

    Args:
        measures: what stands at each.
        order: of the parts, such as ``AABB``; empty where they are played as they stand.
        tell: takes what could not be followed.

    Raises:
        InputError: if that unfolds to more than 50,000 measures.
    """
    labels = [index for index, signs in enumerate(measures) if signs.part]
    if order and not labels:
        tell("order of parts (P:) without parts, not followed")
    if not order or not labels:
        return _strains(measures, 0, len(measures))
    wanted = parts_order(order, MOST_PLAYED)
    if wanted is None:
        raise _too_long()
    edges = [*labels, len(measures)]
    parts: dict[str, list[int]] = {}
    for start, end in pairwise(edges):
        parts.setdefault(measures[start].part, []).extend(_strains(measures, start, end))
    played = _strains(measures, 0, labels[0])  # what no part claims comes first
    for letter in wanted:
        if letter not in parts:
            tell("part in the order of parts (P:) that is not there")
        played += parts.get(letter, [])
        if len(played) > MOST_PLAYED:
            raise _too_long()
    return played or _strains(measures, 0, len(measures))


def _too_long() -> InputError:
    return InputError(
        f"The repeats unfold to more than {MOST_PLAYED:,} measures.",
        next_step="Split the tune, or take repeats out of it.",
    )


@dataclass
class _Strain:
    """A strain that is still open.

    Attributes:
        start: the first measure of its body.
        marked: how often ``|:`` there wants it played again; 0 without that sign.
        again: how often the body is played again, where there are no endings.
        endings: (times through, first measure) of each.
        ends: behind the last measure of each ending that is over.
        is_repeated: whether an ending leads back to the start.
    """

    start: int
    marked: int = 0
    again: int = 0
    endings: list[tuple[frozenset[int], int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    is_repeated: bool = False

    @property
    def passes(self) -> frozenset[int]:
        return frozenset().union(*(numbers for numbers, _ in self.endings))

    def end_of_last(self, stop: int) -> int:
        """Where the last ending is over if it is as long as the first, at most ``stop``."""
        if not self.ends:
            return stop
        length = self.ends[0] - self.endings[0][1]
        return min(stop, self.endings[-1][1] + max(1, length))

    def play(self, stop: int) -> list[int]:
        """The measures in order; the strain ends before ``stop``."""
        if not self.endings:
            return list(range(self.start, stop)) * (1 + self.again)
        ends = [*self.ends, stop][: len(self.endings)]
        if len(self.endings) == 1 and not self.is_repeated:
            return list(range(self.start, stop))
        times = sorted(self.passes)
        if len(self.endings) == 1:
            times.append(0)  # the last time goes past the only ending
        played: list[int] = []
        for number in times:
            played += range(self.start, self.endings[0][1])
            for (numbers, first), end in zip(self.endings, ends, strict=True):
                if number in numbers:
                    played += range(first, end)
            if len(played) > MOST_PLAYED:
                raise _too_long()
        return played


def _strains(measures: list[Signs], start: int, stop: int) -> list[int]:
    """Measures ``start`` to ``stop`` as they are played, strain by strain."""
    played: list[int] = []
    strain = _Strain(start)
    goes_on = _goes_on(measures, start, stop)

    def finish(at: int) -> _Strain:
        played.extend(strain.play(at))
        if len(played) > MOST_PLAYED:
            raise _too_long()
        return _Strain(at)

    for index in range(start, stop):
        signs = measures[index]
        if signs.repeat_from and index > strain.start:
            strain = finish(index)
        if signs.repeat_from:
            strain.marked = signs.repeat_from
        if signs.passes:
            if strain.endings and strain.passes & signs.passes:
                # A new strain whose start nothing marks: the ending before it is taken to be as
                # long as the first one of its strain.
                strain = finish(strain.end_of_last(index))
            if len(strain.ends) < len(strain.endings):
                strain.ends.append(index)
            strain.endings.append((signs.passes, index))
        following = measures[index + 1] if index + 1 < stop else Signs()
        more = bool(following.passes) and not strain.passes & following.passes
        in_ending = len(strain.ends) < len(strain.endings)
        if signs.repeat_to and in_ending:
            over = strain.end_of_last(index + 1)
            if not more and over <= index:
                # The last ending is longer than the first: what is more is a strain of its own.
                strain.ends.append(over)
                strain = finish(over)
                strain.again = signs.repeat_to
                strain = finish(index + 1)
                continue
            strain.ends.append(index + 1)
            strain.is_repeated = True
            if not more:
                strain = finish(index + 1)
        elif signs.repeat_to:
            strain.again = max(strain.marked, signs.repeat_to)
            strain = finish(index + 1)
        elif signs.is_section_end and in_ending:
            if not more and not goes_on[index - start]:
                strain = finish(index + 1)
        elif signs.is_section_end and not strain.endings and not strain.marked:
            strain = finish(index + 1)
    finish(stop)
    return played


def _goes_on(measures: list[Signs], start: int, stop: int) -> list[bool]:
    """For each measure: whether the next sign of repetition after it is a repeat sign that leads
    on to an ending after the first, so that a double bar here is one inside an ending."""
    found = [False] * (stop - start)
    leads_on = False
    for index in range(stop - 2, start - 1, -1):
        following = measures[index + 1]
        if following.repeat_from or following.passes:
            leads_on = False
        elif following.repeat_to:
            after = measures[index + 2].passes if index + 2 < stop else frozenset[int]()
            leads_on = bool(after) and 1 not in after
        found[index - start] = leads_on
    return found
