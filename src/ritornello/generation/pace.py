"""Density that is kept: which shifts let notes come as thick as was asked for.

A model that is told a density follows it little: asked for .5, 1.5 and 4 notes a beat it wrote 3.3,
3.1 and 3.3. So notes are counted as well. A piece may run ahead of its density, or fall behind, by
what is played in two beats; further ahead no note may come before its time, further behind none
may come later. Within that the model chooses when.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from ritornello.generation.job import Job
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import END, RESOLUTION

_LEEWAY_BEATS = 2.0
_LEAST_LEEWAY_NOTES = 3.0  # so that chords may be struck however thin a piece is


@dataclass
class Pace:
    """When notes are due.

    Attributes:
        density: notes a quarter note.
        start_ticks: where the piece begins.
        begins_ticks: where somebody begins to play after bars that are given, or of rest; no note
            of those bars is made up for.
        least_notes: the leeway is at least what so many notes take.
        due_ticks: when the next note would come if all came evenly; never further behind the last
            note than the leeway, so that what was missed is not all made up for.
    """

    density: float
    start_ticks: int
    begins_ticks: tuple[int, ...] = ()
    least_notes: float = _LEAST_LEEWAY_NOTES
    due_ticks: float = field(init=False)

    def __post_init__(self) -> None:
        self.due_ticks = float(self.start_ticks)

    @property
    def _leeway_ticks(self) -> float:
        return max(self.least_notes / self.density, _LEEWAY_BEATS) * RESOLUTION

    def copy(self) -> Pace:
        twin = Pace(self.density, self.start_ticks, self.begins_ticks, self.least_notes)
        twin.due_ticks = self.due_ticks
        return twin

    def take(self, onset_ticks: int) -> None:
        """Count a note; those before the start do not count."""
        if onset_ticks >= self.start_ticks:
            due = max(self._due_at(onset_ticks), onset_ticks - self._leeway_ticks)
            self.due_ticks = due + RESOLUTION / self.density

    @property
    def earliest_ticks(self) -> float:
        """Before this no note may come."""
        return self.due_ticks + RESOLUTION / self.density - self._leeway_ticks

    def latest_ticks(self, now_ticks: int) -> float:
        """At this the next note must have come, of one who may play now."""
        return self._due_at(now_ticks) + self._leeway_ticks

    def _due_at(self, now_ticks: int) -> float:
        """When the next note would come, not before they began who play now."""
        begun = bisect_right(self.begins_ticks, now_ticks)
        return max(self.due_ticks, self.begins_ticks[begun - 1]) if begun else self.due_ticks

    def narrow(self, shifts: np.ndarray, now_ticks: int) -> np.ndarray:
        """The legal shifts that keep the pace, bool [shifts]."""
        earliest = self.earliest_ticks - now_ticks
        latest = max(self.latest_ticks(now_ticks) - now_ticks, 0)
        classes = np.arange(len(shifts))
        kept: np.ndarray = shifts & (classes >= earliest) & (classes <= latest)
        if not kept.any():  # what is late comes as soon as it may, what is early as late as it may
            legal = np.flatnonzero(shifts)
            kept = classes == (legal[0] if latest < legal[0] else legal[-1])
        return kept


def paces_of(job: Job) -> dict[int, Pace]:
    """How densely parts play, by part class: of an instrument's density each of its parts a share.

    Where notes are given, the density of all is that of what is written, shared among its parts.
    """
    stated = job.rules.busy()
    parts = job.composed_parts
    kinds = [notes.instrument_of(part) for part in parts]
    is_edit = any(fields[1] != END for _, fields in job.given.events)
    # A line that is written anew in single bars has little room to catch up.
    least = {
        part: 1.0 if is_edit and job.polyphony_of(part) == 1 else _LEAST_LEEWAY_NOTES
        for part in parts
    }
    found = {
        part: Pace(
            stated[kind] / kinds.count(kind), job.start_ticks, _begins(job, part), least[part]
        )
        for part, kind in zip(parts, kinds, strict=True)
        if kind in stated
    }
    if job.rules.density is not None and is_edit:
        share = job.rules.density / len(parts)
        shares = {part: Pace(share, job.start_ticks, _begins(job, part)) for part in parts}
        found = shares | found
    return found


def _begins(job: Job, part: int) -> tuple[int, ...]:
    """Where the openings of a part begin, but for those that go on where another ends."""
    spans = [(o.start_ticks, o.end_ticks) for o in job.openings if part in o.parts]
    ends = {end for _, end in spans}
    return tuple(sorted(start for start, _ in spans if start not in ends))
