"""A job by a plan: players open for the bars they play in, chords are stated, the rest is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.job import Job, Opening, parts_of
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.plan.plan import Plan


def by_plan(job: Job, plan: Plan) -> Job:
    """A whole piece written by a plan.

    Players that the plan states play where it says so and nowhere else; notes may sound on. The
    last bar of a piece that must end is open to all of them. What the rules state of chords holds
    before what the plan does.

    Args:
        job: of a whole piece, see `job.whole_piece`.
        plan: with the bars and the metre of the job.

    Raises:
        ConfigError: if the plan has other bars than the job, or players that the rules leave out.
    """
    told = BarPlan.of(plan)
    if job.length_ticks != int(told.starts[-1]) or job.metres != plan.metres:
        raise ConfigError(
            f"The plan has {plan.bars} bars up to tick {int(told.starts[-1])}, the piece ends at "
            f"{job.length_ticks}.",
            next_step="Let the rules have the bars and the metre of the plan.",
        )
    given = job.given
    if len(told.chord_ticks) and not len(given.chord_ticks):
        given = replace(given, chord_ticks=told.chord_ticks, chord_classes=told.chord_classes)
    return replace(job, given=given, told=told, openings=_openings(job, plan, told))


def players_of(plan: Plan) -> list[int]:
    """The instruments of a plan's players, one for each."""
    return [player.instrument for player in plan.players]


def _openings(job: Job, plan: Plan, told: BarPlan) -> tuple[Opening, ...]:
    """Where each part plays: openings of all parts that play through the same bars."""
    parts = [notes.part_of(player.instrument, player.desk) for player in plan.players]
    if sorted(parts) != job.composed_parts:
        wanted = sorted(parts_of(players_of(plan)))
        raise ConfigError(
            "The plan has other players than the rules.",
            next_step="Let the rules have the parts of the plan."
            if wanted == sorted(parts)
            else "Number the players of one instrument from 1.",
        )
    required = any(opening.required for opening in job.openings)
    spans: dict[tuple[int, int], list[int]] = {}
    for part, plays in zip(parts, plan.plays.T, strict=True):
        for start, end in _runs(_open_bars(plays, ending=job.ending)):
            span = int(told.starts[start]), int(told.starts[end])
            spans.setdefault(span, []).append(part)
    return tuple(
        Opening(tuple(sorted(members)), start, end, required=required, spill=True)
        for (start, end), members in sorted(spans.items())
    )


def _open_bars(plays: np.ndarray, *, ending: bool) -> np.ndarray:
    """In which bars a part may play: where it is said or nothing is, and in a bar that must end."""
    found: np.ndarray = plays != 0
    if ending:
        found = found.copy()
        found[-1] = True
    return found


def _runs(open_bars: np.ndarray) -> list[tuple[int, int]]:
    """First bar of each run of open bars, and the bar after its last."""
    edges = np.flatnonzero(np.diff(open_bars.astype(np.int8), prepend=0, append=0))
    return [*pairwise(edges.tolist())][::2]
