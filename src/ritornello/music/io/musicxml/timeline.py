"""The measures of a score in the order they are played, and what changes when.

A measure that is not as long as its metre says (an upbeat, a bar cut by a repeat) keeps its
length: the metre is stated again after it, so that the bar lines of the piece stay the score's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from ritornello.music.io.musicxml.play_order import play_order
from ritornello.music.io.musicxml.raw_measure import Measure
from ritornello.music.spelling import KeySignature

Scale = tuple[int, int]  # (ticks a quarter of the piece, of the part)
_T = TypeVar("_T")


def scaled(ticks: int, scale: Scale) -> int:
    """Ticks of a part as ticks of the piece, rounded."""
    to, of = scale
    return (2 * ticks * to + of) // (2 * of)


class PlayedBar(NamedTuple):
    """What the parts say together about one measure; ticks are of the piece."""

    length: int
    metre: tuple[int, int] | None
    tempos: list[tuple[int, float]]
    keys: list[tuple[int, KeySignature]]
    chords: list[tuple[int, str]]
    repeats_from: bool
    repeat_times: int
    endings: frozenset[int]
    leads: frozenset[str]
    begins_anew: bool


class ScoreTimeline:
    """Played measures and their starts: ``played[k]`` begins at ``starts[k]`` ticks."""

    def __init__(self, parts: list[list[Measure]], scales: list[Scale], resolution: int) -> None:
        self.resolution = resolution
        self.measures = _merged(parts, scales, resolution)
        self.played, self.jumps, self.lost_jumps = play_order(self.measures)
        lengths = [self.measures[index].length for index in self.played]
        ends = np.cumsum(lengths).tolist()
        self.starts = [0, *ends[:-1]]
        self.end = int(ends[-1])

    def tempos(self) -> Iterator[tuple[int, float]]:
        return self._changes([bar.tempos for bar in self.measures])

    def keys(self) -> Iterator[tuple[int, KeySignature]]:
        return self._changes([bar.keys for bar in self.measures])

    def chords(self) -> Iterator[tuple[int, str]]:
        return self._changes([bar.chords for bar in self.measures])

    def metres(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """The metre changes, and the metre again after a measure of another length."""
        stated = [[(0, bar.metre)] if bar.metre else [] for bar in self.measures]
        changes = dict(self._changes(stated))
        metre = (4, 4)
        for index, start, following in zip(
            self.played, self.starts, [*self.starts[1:], None], strict=True
        ):
            metre = changes.get(start, metre)
            nominal = self.resolution * 4 * metre[0] // metre[1]
            if self.measures[index].length != nominal and following is not None:
                changes.setdefault(following, metre)
        yield from sorted(changes.items())

    def _changes(self, by_measure: list[list[tuple[int, _T]]]) -> Iterator[tuple[int, _T]]:
        """Changes at their played times; a jump back restates what held there at first."""
        in_force: list[_T | None] = []
        latest: _T | None = None
        for changes in by_measure:
            in_force.append(latest)
            latest = changes[-1][1] if changes else latest
        current: _T | None = None
        previous = -1
        for index, start in zip(self.played, self.starts, strict=True):
            changes = by_measure[index]
            held = in_force[index]
            is_jump = index != previous + 1
            if is_jump and held is not None and held != current and not _begins(changes):
                yield start, held
                current = held
            for offset, value in changes:
                yield start + offset, value
                current = value
            previous = index


def _begins(changes: list[tuple[int, _T]]) -> bool:
    return bool(changes) and changes[0][0] == 0


def _merged(parts: list[list[Measure]], scales: list[Scale], resolution: int) -> list[PlayedBar]:
    """One bar for each measure number; the first part that says something is believed."""
    bars: list[PlayedBar] = []
    metre = (4, 4)
    by_index: list[list[tuple[Measure, Scale]]] = [
        [] for _ in range(max(len(measures) for measures in parts))
    ]
    for measures, scale in zip(parts, scales, strict=True):
        for index, measure in enumerate(measures):
            by_index[index].append((measure, scale))
    for here in by_index:
        stated = next((measure.metre for measure, _ in here if measure.metre), None)
        metre = stated or metre
        nominal = max(1, resolution * 4 * metre[0] // metre[1])
        # Rests that overfill a bar are a slip of the program that wrote them; notes are not.
        reached = max(scaled(measure.length, scale) for measure, scale in here)
        sounding = max(scaled(measure.sounding, scale) for measure, scale in here)
        length = max(sounding, min(reached, nominal))
        tempos: dict[int, float] = {}
        keys: dict[int, KeySignature] = {}
        chords: dict[int, str] = {}
        for measure, scale in here:
            for offset, text in measure.chords:
                chords.setdefault(scaled(offset, scale), text)
            for offset, bpm in measure.tempos:
                tempos.setdefault(scaled(offset, scale), bpm)
            for offset, signature in measure.keys:
                at = scaled(offset, scale)
                if at not in keys or keys[at].mode == "none":  # as of a drum staff
                    keys[at] = signature
        bars.append(
            PlayedBar(
                length or nominal,
                stated,
                sorted(tempos.items()),
                sorted(keys.items()),
                sorted(chords.items()),
                any(measure.repeats_from for measure, _ in here),
                max(measure.repeat_times for measure, _ in here),
                next((measure.endings for measure, _ in here if measure.endings), frozenset()),
                frozenset().union(*(measure.leads for measure, _ in here)),
                any(measure.begins_anew for measure, _ in here),
            )
        )
    return bars
