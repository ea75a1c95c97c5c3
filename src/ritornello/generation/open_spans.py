"""Where the parts of a job are open: who may begin a note at a tick, near the moment.

A part is open in the openings of a job, at the places that swing leaves, and where it holds a
rhythm. A form has hundreds of openings and a writer asks several times for each note, so some bars
are laid out tick by tick while time goes on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from ritornello.generation.job import Job, Opening
from ritornello.generation.rhythms import Rhythms
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import MAX_SHIFT

_LAID_OUT_TICKS = 8 * MAX_SHIFT


class OpenSpans:
    """The openings of a job, by part and in the order of time.

    Attributes:
        parts: part classes, ascending; indices of parts are places in it.
        of_part: by index the openings of each part, ascending.
    """

    def __init__(self, job: Job) -> None:
        self.parts = job.composed_parts
        index = {part: place for place, part in enumerate(self.parts)}
        self.of_part: list[list[Opening]] = [[] for _ in self.parts]
        for opening in sorted(job.openings, key=lambda opening: opening.start_ticks):
            for part in opening.parts:
                self.of_part[index[part]].append(opening)
        self._starts = [[span.start_ticks for span in of_part] for of_part in self.of_part]
        self._places = _swung_places(job)
        self._rhythms, self._answer = job.rhythms, Rhythms()
        self._from, self._until = 0, 0  # ticks that are laid out
        self._rows: list[np.ndarray] = []  # by part, and of any of them
        self._any = np.zeros(0, bool)
        self._flags: list[bytes] = []  # the same as rows and any, to ask for few ticks
        self._any_flags = b""

    def shifts(self, now_ticks: int, free_from: Sequence[int]) -> np.ndarray:
        """The shifts beyond 0 after which somebody is open, bool [shifts].

        Args:
            free_from: by part the tick from which on it has room for a note.
        """
        self._lay_out(now_ticks)
        at, count = now_ticks - self._from, notes.SIZES[notes.SHIFT]
        if max(free_from, default=0) <= now_ticks + 1:
            legal = self._any[at : at + count].copy()
            legal[0] = False
            return legal
        legal = np.zeros(count, bool)
        for row, free in zip(self._rows, free_from, strict=True):
            first = max(1, free - now_ticks)
            if first < count:
                legal[first:] |= row[at + first : at + count]
        return legal

    def open_at(self, now_ticks: int, tick: int, among: range) -> list[int]:
        """The indices that are open at a tick, at most the longest shift after a moment."""
        self._lay_out(now_ticks)
        at = tick - self._from
        return [index for index in among if self._flags[index][at]]

    def opens_before(self, now_ticks: int, tick: int) -> bool:
        """Whether anybody is open from a moment on to before a tick, as near as `open_at`."""
        self._lay_out(now_ticks)
        return True in self._any_flags[now_ticks - self._from : tick - self._from]

    def at(self, index: int, onset_ticks: int) -> Opening | None:
        """The opening of a part in which a tick lies."""
        begun = bisect_right(self._starts[index], onset_ticks)
        if begun and onset_ticks < self.of_part[index][begun - 1].end_ticks:
            return self.of_part[index][begun - 1]
        return None

    def _lay_out(self, now_ticks: int) -> None:
        """Have the ticks from a moment to the longest shift after it laid out."""
        if self._from <= now_ticks and now_ticks + MAX_SHIFT + 1 < self._until:
            return
        self._from, self._until = now_ticks, now_ticks + _LAID_OUT_TICKS
        self._rows = []
        for part, spans in zip(self.parts, self.of_part, strict=True):
            row = np.zeros(_LAID_OUT_TICKS, bool)
            for span in spans:
                start, end = span.start_ticks - now_ticks, span.end_ticks - now_ticks
                row[max(0, start) : max(0, min(end, _LAID_OUT_TICKS))] = True
            if self._places is not None:
                near = self._places[now_ticks : self._until]
                row[: len(near)] &= near
            self._rhythms.narrow(part, row, now_ticks)
            self._answer.narrow(part, row, now_ticks)
            self._rows.append(row)
        self._put_together()

    def answer(self, answer: Rhythms) -> None:
        """Let the tune strike by a rhythm of its own, in bars that it has not begun yet."""
        self._answer = answer
        if not self._rows:
            return
        self._rows = [
            row.copy() if part in answer.held else row
            for part, row in zip(self.parts, self._rows, strict=True)
        ]
        for part, row in zip(self.parts, self._rows, strict=True):
            answer.narrow(part, row, self._from)
        self._put_together()

    def _put_together(self) -> None:
        self._any = np.logical_or.reduce(self._rows)
        self._flags = [row.tobytes() for row in self._rows]
        self._any_flags = self._any.tobytes()


def _swung_places(job: Job) -> np.ndarray | None:
    """Ticks at which notes may begin where beats are swung, bool [ticks]; None for all."""
    if job.swing is None or job.length_ticks is None or np.isnan(job.swing.ratios).all():
        return None
    return job.swing.swung_places(notes.RESOLUTION, job.length_ticks)
