"""Where the parts of a job are open: which spans of time are near, and who is open at a tick.

A form has hundreds of openings and few of them are near, so those are kept at hand while time goes
on; a writer asks several times for each note.
"""

from __future__ import annotations

from bisect import bisect_right

from ritornello.generation.job import ENDLESS, Job, Opening
from ritornello.note_model.encoding.notes import MAX_SHIFT

Span = tuple[int, int, list[int]]  # start, end, and indices of the parts that are open in it


class OpenSpans:
    """The openings of a job, by part and in the order of time.

    Attributes:
        parts: part classes, ascending; indices of parts are places in it.
        of_part: by index the openings of each part, ascending.
        all_alike: whether all parts are open at the same time.
    """

    def __init__(self, job: Job) -> None:
        self.parts = job.composed_parts
        index = {part: place for place, part in enumerate(self.parts)}
        self.of_part: list[list[Opening]] = [[] for _ in self.parts]
        spans: dict[tuple[int, int], list[int]] = {}
        for opening in sorted(job.openings, key=lambda opening: opening.start_ticks):
            members = [index[part] for part in opening.parts]
            spans.setdefault((opening.start_ticks, opening.end_ticks), []).extend(members)
            for member in members:
                self.of_part[member].append(opening)
        self._starts = [[span.start_ticks for span in of_part] for of_part in self.of_part]
        self._spans: list[Span] = [(*edges, members) for edges, members in spans.items()]
        self.all_alike = len(self._spans) == 1
        self._near: list[Span] = []
        self._near_from, self._near_until = 0, 0

    def near(self, now_ticks: int) -> list[Span]:
        """Spans that end after a moment and begin within the longest shift from it."""
        if not self._near_from <= now_ticks < self._near_until:
            self._near = [
                span
                for span in self._spans
                if span[1] > now_ticks and span[0] <= now_ticks + MAX_SHIFT
            ]
            changes = [end for _, end, _ in self._near]
            changes += [
                start - MAX_SHIFT for start, _, _ in self._spans if start > now_ticks + MAX_SHIFT
            ]
            self._near_from, self._near_until = now_ticks, min(changes, default=ENDLESS)
        return self._near

    def at(self, index: int, onset_ticks: int) -> Opening | None:
        """The opening of a part in which a tick lies."""
        begun = bisect_right(self._starts[index], onset_ticks)
        if begun and onset_ticks < self.of_part[index][begun - 1].end_ticks:
            return self.of_part[index][begun - 1]
        return None
