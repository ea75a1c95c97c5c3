"""A drummer who goes on after a song holds the beat that was held in its last bars.

A network that goes on from bar to bar changes its beat in most bars. So the two bars that are most
like the last eight come again, in the order in which they were, with a fill in the second half of
every eighth bar; the last bar is left to the network. Where the song holds no beat, all bars are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.generation.job import Job, Opening, is_drums
from ritornello.generation.reprise import Reprise, open_runs
from ritornello.note_model.encoding.notes import PART, PITCH, is_note

_BARS = 2  # of a beat
_HEARD_BARS = 8
_FILL_BARS = 8
_LEAST_LIKENESS = 0.4  # mean Jaccard of strokes, of bars that hold a beat
_Strokes = frozenset[tuple[int, int]]


def hold_beat(job: Job) -> Job:
    """A job that goes on after given bars, with their beat held where it may be; else as it is."""
    drums = [part for part in job.composed_parts if is_drums(part)]
    if len(drums) != 1 or len(job.openings) != 1 or job.length_ticks is None or _is_limited(job):
        return job
    (drummer,) = drums
    starts = np.append(job.grid().bar_starts, job.length_ticks)
    lengths = np.diff(starts)
    first, bars = int(np.searchsorted(starts, job.start_ticks)), len(lengths)
    beat = _held(_strokes(job, drummer, starts[: first + 1]), lengths[: first + 1])
    if beat is None:
        return job
    sources = np.full((bars, 1), -1)
    halves = np.zeros((bars, 2, 1), bool)
    for bar in range(first, bars - 1):
        source = beat + (bar - beat) % _BARS
        if lengths[bar] == lengths[source]:
            sources[bar], halves[bar] = source, True
            halves[bar, 1] = (bar - first) % _FILL_BARS != _FILL_BARS - 1
    reprise = Reprise(starts, (drummer,), sources, halves)
    (opening,) = job.openings
    others = tuple(part for part in opening.parts if part != drummer)
    openings = [replace(opening, parts=others)] if others else []
    openings += _left_open(replace(opening, parts=(drummer,)), reprise)
    return replace(job, openings=tuple(openings), reprise=reprise)


def _is_limited(job: Job) -> bool:
    """Whether rules say what drums may play, which the beat of the song need not keep."""
    rules = job.rules
    return bool(rules.density is not None or rules.densities or rules.polyphony or rules.ranges)


def _strokes(job: Job, drummer: int, starts: np.ndarray) -> list[_Strokes]:
    """Tick in its bar and key of each given stroke, bar by bar; starts [bars + 1]."""
    fields, onsets = job.given.fields, job.given.onsets_ticks
    member = (fields[:, PART] == drummer) & is_note(fields[:, PART])
    found: list[set[tuple[int, int]]] = [set() for _ in starts[1:]]
    for onset, key in zip(onsets[member].tolist(), fields[member, PITCH].tolist(), strict=True):
        bar = int(np.searchsorted(starts, onset, side="right")) - 1
        if 0 <= bar < len(found):
            found[bar].add((onset - int(starts[bar]), key))
    return [*map(frozenset, found)]


def _held(strokes: list[_Strokes], lengths: np.ndarray) -> int | None:
    """The first of the two bars that the last bars are most like; None if they hold no beat.

    Args:
        strokes: by bar. lengths: of these bars and of the next one.
    """
    last = len(strokes)
    window = range(max(0, last - _HEARD_BARS), last)
    best, bar_of_best = _LEAST_LIKENESS, None
    for bar in window[: 1 - _BARS]:
        pair = range(bar, bar + _BARS)
        if not all(strokes[each] and lengths[each] == lengths[last] for each in pair):
            continue
        likeness = [
            _jaccard(strokes[bar + (other - bar) % _BARS], strokes[other])
            for other in window
            if other not in pair
        ]
        # Two bars alone hold whatever they play; of equals the later ones count.
        if (mean := float(np.mean(likeness or [1.0]))) >= best:
            best, bar_of_best = mean, bar
    return bar_of_best


def _jaccard(one: _Strokes, other: _Strokes) -> float:
    return len(one & other) / max(1, len(one | other))


def _left_open(opening: Opening, reprise: Reprise) -> list[Opening]:
    """The opening of a drummer without the halves of bars in which it plays its beat again."""
    lines = reprise.half_lines
    is_open = ~reprise.halves[:, :, 0].ravel() & (lines[1:] > opening.start_ticks)
    return [
        replace(
            opening,
            start_ticks=max(int(lines[start]), opening.start_ticks),
            end_ticks=int(lines[end]),
        )
        for start, end in open_runs(is_open)
    ]
