"""A drummer who goes on after a song, or plays bars of it anew, holds the beat that is held there.

A network that goes on from bar to bar changes its beat in most bars. So after a song the two bars
that are most like the last eight come again, in the order in which they were, with a fill in the
second half of every eighth bar; the last bar is left to the network. In a gap of four bars or more
the drums of a section that is elsewhere in the song come again, or else the two bars that are most
like those around the gap, with fills at the ends of sections and of the gap. Where no beat is held
there, all bars are left to the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.generation.job import Job, is_drums
from ritornello.generation.reprise import half_lines
from ritornello.note_model.encoding.notes import PART, PITCH, SHIFT, is_note
from ritornello.plan.sections import Section

_BARS = 2  # of a beat
_HEARD_BARS = 8
_FILL_BARS = 8
_LEAST_GAP_BARS = 4  # who plays fewer bars anew is to play something else
_LEAST_LIKENESS = 0.4  # mean Jaccard of strokes, of bars that hold a beat
_Strokes = frozenset[tuple[int, int]]


def hold_beat(job: Job) -> Job:
    """A job that goes on after given bars, with their beat held where it may be; else as it is."""
    drums = _Drums.of(job)
    if drums is None:
        return job
    first, bars = drums.gap.start, drums.gap.stop
    beat = drums.held_in(range(max(0, first - _HEARD_BARS), first), first)
    if beat is None:
        return job
    sources = {bar: _round_of(beat, bar) for bar in range(first, bars - 1)}
    fills = {bar for bar in sources if (bar - first) % _FILL_BARS == _FILL_BARS - 1}
    return drums.playing_again(sources, fills)


def hold_beat_in_gap(job: Job, read_sections: Callable[[], Sequence[Section]]) -> Job:
    """A job that writes some bars of a song, with the beat around them held where it may be.

    Args:
        read_sections: gives those of the song without its drums, none where they are not known.
            They count where the job has as many bars: long ones are counted as several.
    """
    drums = _Drums.of(job)
    if drums is None or len(drums.gap) < _LEAST_GAP_BARS:
        return job
    gap, sources, fills = drums.gap, dict[int, int](), {drums.gap[-1]}
    sections = read_sections()
    if not sections or sections[-1].end != len(drums.strokes):
        sections = [Section("", gap.start, len(gap))]
    for section in sections:
        inside = range(max(gap.start, section.start), min(gap.stop, section.end))
        if not inside:
            continue
        beat = drums.held_near(section, inside[0])
        for bar in inside:
            source = drums.played_elsewhere(section, bar, sections)
            if source is not None or beat is not None:
                sources[bar] = _round_of(beat or 0, bar) if source is None else source
        if section.leads_on and section.end <= gap.stop:
            fills.add(section.end - 1)
    if job.ending:
        sources.pop(gap[-1], None)
    return drums.playing_again(sources, fills)


def _round_of(beat: int, bar: int) -> int:
    """Which of the two bars of a beat, from its first on, goes on in a bar."""
    return beat + (bar - beat) % _BARS


@dataclass(frozen=True)
class _Drums:
    """What the only drummer of a job is given to play.

    Attributes:
        part: its class.
        starts: int64 [bars + 1], where each bar begins, and where the last one ends.
        strokes: tick and key of each given stroke, by bar.
        gap: the bars that are written.
    """

    job: Job
    part: int
    starts: np.ndarray
    strokes: list[_Strokes]
    gap: range

    @classmethod
    def of(cls, job: Job) -> _Drums | None:
        """None where nobody is to hold a beat: no drummer, or one of whom something is asked."""
        drums = [part for part in job.composed_parts if is_drums(part)]
        if len(drums) != 1 or len(job.openings) != 1 or job.length_ticks is None:
            return None
        if job.rules.limits_notes:
            return None
        if drums[0] in job.shared_parts:
            return None  # what is given of it could not be told from what comes again
        starts = np.append(job.grid().bar_starts, job.length_ticks)
        first, after = np.searchsorted(starts, [job.start_ticks, job.openings[0].end_ticks])
        fields, onsets = job.given.fields, job.given.onsets_ticks
        member = (fields[:, PART] == drums[0]) & is_note(fields[:, PART])
        found: list[set[tuple[int, int]]] = [set() for _ in starts[1:]]
        for onset, key in zip(onsets[member].tolist(), fields[member, PITCH].tolist(), strict=True):
            bar = int(np.searchsorted(starts, onset, side="right")) - 1
            if 0 <= bar < len(found):
                found[bar].add((onset - int(starts[bar]), key))
        return cls(job, drums[0], starts, [*map(frozenset, found)], range(int(first), int(after)))

    def held_near(self, section: Section, bar: int) -> int | None:
        """The beat of a section in the bars of it before or after the gap, else before the gap.

        At the beginning of a song it is that of the bars after the gap.
        """
        before = range(max(0, self.gap.start - _HEARD_BARS), self.gap.start)
        after = range(self.gap.stop, min(self.gap.stop + _HEARD_BARS, len(self.strokes)))
        for window in (
            range(max(before.start, section.start), before.stop),
            range(after.start, min(after.stop, section.end)),
            before,
            after,
        ):
            if (beat := self.held_in(window, bar)) is not None:
                return beat
        return None

    def played_elsewhere(
        self, section: Section, bar: int, sections: Sequence[Section]
    ) -> int | None:
        """The nearest bar with drums at the same place of a section of the same name, if any."""
        place = bar - section.start
        found = [
            other.start + place
            for other in sections
            if other.name == section.name and other != section and place < other.bars
        ]
        fitting = [
            source
            for source in found
            if self.strokes[source] and self._length(source) == self._length(bar)
        ]
        return min(fitting, key=lambda source: abs(source - bar), default=None)

    def held_in(self, window: range, bar: int) -> int | None:
        """The first of the two bars that a window is most like; None if it holds no beat.

        Args:
            bar: which has to be as long.
        """
        best, bar_of_best = _LEAST_LIKENESS, None
        for first in window[: 1 - _BARS]:
            pair = range(first, first + _BARS)
            if any(
                not self.strokes[each] or self._length(each) != self._length(bar) for each in pair
            ):
                continue
            likeness = [
                _jaccard(self.strokes[_round_of(first, other)], self.strokes[other])
                for other in window
                if other not in pair
            ]
            # Two bars alone hold whatever they play; of equals the later ones count.
            if (mean := float(np.mean(likeness or [1.0]))) >= best:
                best, bar_of_best = mean, first
        return bar_of_best

    def playing_again(self, sources: dict[int, int], fills: set[int]) -> Job:
        """The job with bars given as they were played in others, but the second halves of fills."""
        lines = half_lines(self.starts)
        is_open = np.ones(len(lines) - 1, bool)
        fields, onsets = self.job.given.fields, self.job.given.onsets_ticks
        own = (fields[:, PART] == self.part) & is_note(fields[:, PART])
        found = []
        for bar, source in sources.items():
            halves = 1 if bar in fills else 2
            is_open[2 * bar : 2 * bar + halves] = False
            moved = onsets + self.starts[bar] - self.starts[source]
            comes = own & (moved >= lines[2 * bar]) & (moved < lines[2 * bar + halves])
            rows = fields[comes].copy()
            rows[:, SHIFT] = moved[comes]
            found.append(rows)
        if not found:
            return self.job
        (opening,) = self.job.openings
        others = tuple(part for part in opening.parts if part != self.part)
        openings = [replace(opening, parts=others)] if others else []
        alone = replace(opening, parts=(self.part,))
        return replace(
            self.job,
            given=self.job.given.with_notes(0, np.concatenate(found)),
            openings=(*openings, *alone.left_in(lines, is_open)),
        )

    def _length(self, bar: int) -> int:
        return int(self.starts[bar + 1] - self.starts[bar])


def _jaccard(one: _Strokes, other: _Strokes) -> float:
    return len(one & other) / max(1, len(one | other))
