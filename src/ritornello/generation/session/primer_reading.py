"""The state of the network and of the rules after a primer, from which endless music goes on."""

from __future__ import annotations

import numpy as np

from ritornello.generation import compose
from ritornello.generation.compose import HISTORY_EVENTS
from ritornello.generation.job import ENDLESS, Job, Opening, given_events, parts_of
from ritornello.generation.session.moment import Settings
from ritornello.generation.writer import Writer
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import PART, REST
from ritornello.note_model.engine.reference import Engine
from ritornello.rng import Rng


def read_primer(
    engine: Engine,
    encoded: notes.Encoded,
    settings: Settings,
    rng: Rng,
    collections: tuple[str, ...],
) -> tuple[Writer, np.ndarray]:
    """A writer that has read a primer, and the state of the network after it."""
    rules, given = settings.rules, encoded.fields[:, PART] < REST
    players = frozenset(rules.instruments() or ())
    parts = tuple(parts_of(rules.instruments()))
    job = Job(
        rules,
        encoded.metres,
        None,
        given_events(None, encoded.fields[given], encoded.onsets_ticks[given]),
        (Opening(parts, encoded.length_ticks, ENDLESS),),
        players,
    )
    writer = Writer.start(job, rng)
    writer.write_given_until(HISTORY_EVENTS)
    condition = compose.conditions(engine, [writer], collections)
    state = engine.initial_state(1)
    while writer.tracker.next_given is not None:
        state = compose.advance(engine, [writer], condition, state, settings.sampling)
    return writer, state
