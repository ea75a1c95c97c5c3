"""The rhythms of a piece while it is written: those its form states, and those its tune takes up.

Tunes answer themselves: a bar often has the rhythm of the bar two, four or eight before, with other
notes. A network that goes on from note to note does so half as often as real tunes do. So a tune
may be told which of its bars do (`Tune.answers`): as soon as the earlier bar is written, the later
one is held to its onsets and durations, and its pitches are left open.
"""

from __future__ import annotations

from copy import copy

from ritornello.generation.job import ENDLESS, Job
from ritornello.generation.rhythms import HeldBar, Rhythms
from ritornello.plan.held_rhythms import HeldStroke

_NOTHING = Rhythms()


class CurrentRhythms:
    """When the parts of a piece strike, as far as that is known by now.

    Attributes:
        answer: the bars of the tune that are written next, in rhythms of its own.
        holds: whether anybody ever strikes by a rhythm.
    """

    def __init__(self, job: Job) -> None:
        self._stated = job.rhythms
        self._to_come = () if job.tune is None else job.tune.answers
        self._tune = job.tune.part if job.tune is not None and self._to_come else None
        self.answer = _NOTHING
        self.holds = bool(job.rhythms.held) or bool(self._to_come)
        self._bars: tuple[HeldBar, ...] = ()  # those of the answer
        self._written: tuple[HeldStroke, ...] = ()  # strokes of the tune, from the first tick on

    def copy(self) -> CurrentRhythms:
        return copy(self)

    def advance(self, onset_ticks: int, part: int, duration_ticks: int) -> bool:
        """Take a note as written; returns whether the tune has an answer that it had not before."""
        if not self._to_come:
            return False
        if part == self._tune:
            self._strike(onset_ticks, duration_ticks)
        had = self.answer
        while self._to_come:
            start, end, back = self._to_come[0]
            if onset_ticks < end - back:
                break
            self._to_come = self._to_come[1:]
            held = tuple(
                stroke._replace(onset_ticks=stroke.onset_ticks - (start - back))
                for stroke in self._written
                if start - back <= stroke.onset_ticks < end - back
            )
            first = min((start - back for start, _, back in self._to_come), default=ENDLESS)
            self._written = tuple(s for s in self._written if s.onset_ticks >= first)
            # Where nothing was struck, or the bar has begun already, the tune is free.
            if held and onset_ticks < start and self._tune is not None:
                bars = [bar for bar in self._bars if bar[1] > onset_ticks]
                self._bars = (*bars, (start, end, held))
                self.answer = Rhythms.of_bars({self._tune: self._bars}, lambda *_: True)
        return self.answer is not had

    def _strike(self, onset_ticks: int, duration_ticks: int) -> None:
        last = self._written[-1] if self._written else None
        if last is not None and last.onset_ticks == onset_ticks:
            count = last.most + 1
            self._written = (*self._written[:-1], last._replace(least=count, most=count))
        else:
            stroke = HeldStroke(onset_ticks, duration_ticks, 1, 1, again=False)
            self._written = (*self._written, stroke)

    # --- as of `Rhythms` ----------------------------------------------------------------------

    def is_held(self, part: int) -> bool:
        """Whether a part ever strikes by a rhythm."""
        return part in self._of(part).held

    def stroke(self, part: int, tick: int) -> HeldStroke | None:
        return self._of(part).stroke(part, tick)

    def next_of(self, part: int, tick: int) -> int | None:
        return self._of(part).next_of(part, tick)

    def due(self, tick: int) -> frozenset[int]:
        return self._stated.due(tick) | self.answer.due(tick)

    def next_ticks(self, now: int) -> list[int]:
        return self._stated.next_tick(now) + self.answer.next_tick(now)

    def _of(self, part: int) -> Rhythms:
        return self.answer if part == self._tune else self._stated
