"""Candidates side by side: after each section the best one so far goes on, in as many ways.

From the middle of a section a quarter of them go on: what a critic dislikes in four bars it seldom
likes best in eight. Of many, half go on from its first quarter (successive halving; Z. Karnin et
al., "Almost optimal exploration in multi-armed bandits", ICML 2013). Candidates begin with
instruments, key and plan of their own. What is chosen at the end of the first section holds for all
from there on, as they all go on from the one that was best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ritornello.generation.compose import (
    Hear,
    advance_all,
    conditions,
    finished_piece,
    piece_of,
)
from ritornello.generation.job import ENDLESS, Job
from ritornello.generation.preference.excerpts import EXCERPT_BARS
from ritornello.generation.preference.n_best import Selection
from ritornello.generation.sampling import Sampling
from ritornello.generation.writer import Writer
from ritornello.music.piece import Piece
from ritornello.note_model.engine.reference import Engine

USUAL_SECTION_BARS = 8  # where a piece has no form
_STEPS_BETWEEN_NEWS = 64
_FEW = 8  # candidates, which are compared no earlier than half way
_SHORTEST_BARS = 4  # what is shorter is judged with the next section


def compose_best(
    engine: Engine,
    writers: list[Writer],
    selection: Selection,
    *,
    sampling: Sampling | None = None,
    collections: tuple[str, ...] = (),
    watch: Callable[[int, int], None] = lambda tick, length: None,
    hear: Hear | None = None,
) -> list[Piece]:
    """Candidates before their first events to the best piece of each so many in a row.

    Args:
        writers: of the seeds of `Selection.seeds_for`, all of as many bars; they are written on.
        sampling, collections, watch, hear: as of `ritornello.generation.compose.write`; only what
            is kept is heard, a section at a time.
    """
    condition = conditions(engine, writers, collections)
    state = engine.initial_state(len(writers))
    firsts = range(0, len(writers), selection.candidates)
    groups = [range(first, first + selection.candidates) for first in firsts]
    starts = np.append(writers[0].job.grid().bar_starts, ENDLESS)
    ends = section_ends(writers[0].job, by_section=selection.by_section)
    going = [[*group] for group in groups]
    for begin_bar, end in pairwise([0, *ends]):
        looks = _looks(begin_bar, end, selection.candidates) if selection.by_section else {end: 1}
        for bar, going_on in looks.items():
            who = [index for group in going for index in group]
            those, their_state = [writers[index] for index in who], state[who]
            steps = advance_all(
                engine, those, condition[who], their_state, sampling or Sampling(),
                until_ticks=int(starts[bar]),
            )  # fmt: skip
            for step, left in enumerate(steps, 1):
                if step % _STEPS_BETWEEN_NEWS == 0:
                    watch(min(w.tracker.onset_ticks for w in left), left[0].job.end_ticks)
            state[who] = their_state
            going = [_best(writers, group, bar, selection, going_on) for group in going]
        if hear is not None:
            hear([writers[best] for (best,) in going])
        if end == ends[-1]:
            break
        for group, (best,) in zip(groups, going, strict=True):
            for index in group:
                if index != best:
                    seed = int(writers[index].rng.integers(2**63))
                    writers[index] = writers[best].copy()
                    writers[index].rng = np.random.default_rng(seed)
                    state[index], condition[index] = state[best], condition[best]
        going = [[*group] for group in groups]
    return [finished_piece(writers[best]) for (best,) in going]


def _looks(begin_bar: int, end_bar: int, candidates: int) -> dict[int, int]:
    """Before which bars candidates of a section are compared, and how many go on from there."""
    bars = end_bar - begin_bar
    if bars < 2 * _SHORTEST_BARS:
        return {end_bar: 1}
    early = {begin_bar + bars // 4: -(-candidates // 2)} if candidates > _FEW else {}
    quarter = max((min(candidates, 4) + 1) // 2, -(-candidates // 4))
    return {**early, begin_bar + bars // 2: quarter, end_bar: 1}


def section_ends(job: Job, *, by_section: bool) -> list[int]:
    """The bars before which candidates are compared, the last of them the end of the piece."""
    bars = len(job.grid().bar_starts)
    if not by_section:
        return [bars]
    if job.plan is not None and job.plan.sections:
        ends = [section.end for section in job.plan.sections]
    else:
        ends = [*range(USUAL_SECTION_BARS, bars, USUAL_SECTION_BARS)]
    found = [0]
    for end in ends:
        if min(end - found[-1], bars - end) >= _SHORTEST_BARS:
            found.append(end)
    return [*found[1:], bars]


def _best(
    writers: Sequence[Writer], group: Sequence[int], end_bar: int, selection: Selection, count: int
) -> list[int]:
    """The indices of the best so many writers of a group, by the bars up to one."""
    first = max(0, end_bar - EXCERPT_BARS) if selection.by_section else 0
    scores = selection.scores([piece_of(writers[index]) for index in group], first, end_bar)
    return sorted(group[place] for place in np.argsort(-scores, kind="stable")[:count])
