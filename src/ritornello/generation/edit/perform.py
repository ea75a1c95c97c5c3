"""Plans carried out: what becomes of songs once a model has written into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ritornello.generation.compose import Hear, write
from ritornello.generation.edit.join import Joined
from ritornello.generation.edit.plans import EditPlan, finish
from ritornello.generation.sampling import Sampling
from ritornello.generation.writer import Writer
from ritornello.note_model.engine.reference import Engine


def perform(
    engine: Engine,
    plans: Sequence[EditPlan],
    seeds: Sequence[int],
    *,
    sampling: Sampling | None = None,
    collections: tuple[str, ...] = (),
    watch: Callable[[int, int], None] = lambda tick, length: None,
    hear: Hear | None = None,
) -> tuple[Joined, ...]:
    """Carry out plans side by side, one seed each: the songs with what was composed for them.

    Args:
        engine: the model.
        plans: what to write into which song; one may come again with another seed.
        seeds: as many. Each piece is the same in whatever company it is written.
        sampling, collections, watch, hear: as of `ritornello.generation.compose.compose`.

    Returns:
        the songs with what was written into them, in the order of the plans.
    """
    writers = [
        Writer.start(plan.job, np.random.default_rng(seed))
        for plan, seed in zip(plans, seeds, strict=True)
    ]
    write(engine, writers, sampling=sampling, collections=collections, watch=watch, hear=hear)
    return tuple(finish(plan, writer) for plan, writer in zip(plans, writers, strict=True))
