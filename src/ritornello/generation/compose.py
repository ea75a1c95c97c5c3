"""Composing: the model's distributions, the rules' masks and a seed, one event at a time.

Pieces are composed side by side in a batch. Each has its own random numbers, so that a piece
depends on the model, its rules and its seed alone, never on the size of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.encodings import notes
from ritornello.encodings.context import Grid, Tracker
from ritornello.encodings.controls import Controls, density_class, key_class
from ritornello.encodings.notes import (
    DURATION,
    END,
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    TEMPO,
    VELOCITY,
)
from ritornello.encodings.tables import HEAD_INPUTS
from ritornello.generation.masks import RuleMasks
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.keys import KeyName
from ritornello.piece import KeyChange, Piece, Tempo
from ritornello.runtime.engine import Engine

Event = tuple[int, int, int, int, int]
LineUps = Sequence[tuple[Sequence[str], float]]  # who plays together, and how often


@dataclass
class _Writer:
    """One piece in the making."""

    rules: Rules
    masks: RuleMasks
    tracker: Tracker
    random: np.random.Generator
    events: list[Event]

    @classmethod
    def start(cls, rules: Rules, length_ticks: int | None, seed: int, line_ups: LineUps) -> _Writer:
        """Before the first event; parts that are left open are drawn from the line-ups."""
        random = np.random.default_rng(seed)
        if rules.parts is None and line_ups:
            weights = np.array([count for _, count in line_ups], float)
            chosen = random.choice(len(line_ups), p=weights / weights.sum())
            rules = replace(rules, parts=tuple(line_ups[chosen][0]))
        grid = Grid(rules.metre_map(), length_ticks)
        return cls(rules, RuleMasks(rules, length_ticks), Tracker(grid), random, [])

    def write(self, event: Event) -> None:
        self.events.append(event)
        self.tracker.advance(event)
        self.masks.advance(event)

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1][PART] == END


def compose(
    engine: Engine,
    rules: Rules,
    *,
    seeds: Sequence[int],
    sampling: Sampling | None = None,
    collections: tuple[str, ...] = (),
    line_ups: LineUps = (),
    watch: Callable[[int, int], None] = lambda tick, length: None,
) -> list[Piece]:
    """Write one piece for each seed.

    Args:
        engine: the model.
        rules: kept exactly.
        seeds: one for each piece.
        sampling: how bold; the default `Sampling` where None.
        collections: names of the model's collections, to find ``rules.collection`` in.
        line_ups: who plays where the rules leave the parts open, drawn by weight; anybody and
            everybody may if there are none.
        watch: called now and then with the tick reached and the length in ticks.

    Returns:
        pieces at 24 ticks a quarter, of exactly ``rules.bars`` bars.
    """
    metres = rules.metre_map()
    length = rules.bars * metres[0].bar_ticks(notes.RESOLUTION)
    writers = [_Writer.start(rules, length, seed, line_ups) for seed in seeds]
    condition = _conditions(engine, writers, collections)
    for events in _run(engine, writers, condition, sampling or Sampling()):
        if len(events) % 64 == 0:
            watch(min(writer.tracker.onset_ticks for writer in writers), length)
    return [to_piece(writer.events, rules) for writer in writers]


def stream(
    engine: Engine,
    rules: Rules,
    *,
    seed: int,
    sampling: Sampling | None = None,
    collections: tuple[str, ...] = (),
    line_ups: LineUps = (),
) -> Iterator[Event]:
    """Write one piece without an end, event by event, at constant cost and memory."""
    writer = _Writer.start(rules, None, seed, line_ups)
    condition = _conditions(engine, [writer], collections)
    for events in _run(engine, [writer], condition, sampling or Sampling()):
        yield events[-1]
        del events[:-1]


def to_piece(events: Sequence[Event], rules: Rules) -> Piece:
    """The events as a piece that states the rules it was written under."""
    tempos = () if rules.tempo_bpm is None else (Tempo(0, rules.tempo_bpm),)
    keys = (KeyChange(0, rules.key),) if isinstance(rules.key, KeyName) else ()
    return notes.decode(np.array(events), rules.metre_map(), keys, tempos)


def _conditions(
    engine: Engine, writers: Sequence[_Writer], collections: tuple[str, ...]
) -> np.ndarray:
    asked = [_controls(writer.rules, collections) for writer in writers]
    return engine.condition(
        np.array([controls.row(engine.collections) for controls in asked]),
        np.array([controls.instrument_row() for controls in asked]),
    )


def _controls(rules: Rules, collections: tuple[str, ...]) -> Controls:
    instruments = rules.instruments()
    return Controls(
        collections.index(rules.collection) if rules.collection in collections else None,
        key_class(rules.key) if isinstance(rules.key, KeyName) else None,
        None if rules.density is None else density_class(rules.density),
        None if instruments is None else frozenset(instruments),
    )


def _run(
    engine: Engine, writers: list[_Writer], condition: np.ndarray, sampling: Sampling
) -> Iterator[list[Event]]:
    """Advance all writers until each has ended; yields the events of the first after each step."""
    state = engine.initial_state(len(writers))
    first = writers[0].events
    while writers:
        rows = np.array([writer.tracker.context() for writer in writers])
        hidden, state = engine.step(rows, condition, state)
        for writer, event in zip(writers, _events(engine, hidden, writers, sampling), strict=True):
            writer.write(event)
        yield first
        going = [index for index, writer in enumerate(writers) if not writer.ended]
        if len(going) < len(writers):
            writers = [writers[index] for index in going]
            state, condition = state[going], condition[going]


def _events(
    engine: Engine, hidden: np.ndarray, writers: list[_Writer], sampling: Sampling
) -> list[Event]:
    """The next event of each writer, field by field."""
    uniform = np.array([writer.random.random(len(notes.FIELDS)) for writer in writers])
    known: dict[str, np.ndarray] = {}

    def choose(head: int, legal: list[np.ndarray] | None) -> list[int]:
        names = HEAD_INPUTS[head]
        return engine.choose(
            head,
            hidden,
            np.concatenate([known[name] for name in names], axis=1) if names else None,
            None if legal is None else np.array(legal),
            uniform[:, head],
            sampling.temperature_of(head),
            sampling.top_p,
            sampling.top_k,
        ).tolist()

    def know(name: str, rows: Sequence[int] | Sequence[Sequence[int]]) -> None:
        known[name] = np.array(rows).reshape(len(writers), -1)

    shifts = choose(SHIFT, [writer.masks.shifts() for writer in writers])
    after = [*zip(writers, shifts, strict=True)]
    know("shift", shifts)
    know("place", [writer.tracker.place(shift) for writer, shift in after])

    parts = choose(PART, [writer.masks.parts(shift) for writer, shift in after])
    played = [*zip(writers, shifts, parts, strict=True)]
    sounds = [TEMPO < part < REST for part in parts]
    know("part", parts)
    know("memory", [writer.tracker.memory(shift, part) for writer, shift, part in played])

    pitches = choose(PITCH, [writer.masks.pitches(shift, part) for writer, shift, part in played])
    pitches = [NONE[PITCH] if p >= REST else q for p, q in zip(parts, pitches, strict=True)]
    struck = zip(writers, parts, pitches, strict=True)
    know("pitch", pitches)
    know("echo", [writer.tracker.echo(part, pitch) for writer, part, pitch in struck])

    durations = choose(DURATION, [writer.masks.durations(shift) for writer, shift in after])
    durations = [d if s else NONE[DURATION] for d, s in zip(durations, sounds, strict=True)]
    know("duration", durations)

    velocities = choose(VELOCITY, None)
    velocities = [v if s else NONE[VELOCITY] for v, s in zip(velocities, sounds, strict=True)]
    return [*zip(shifts, parts, pitches, durations, velocities, strict=True)]
