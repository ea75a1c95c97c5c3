"""Composing: the model's distributions, the rules' masks and a seed, one event at a time.

Pieces are composed side by side in a batch. Each has its own random numbers, so that a piece
depends on the model, its rules and its seed alone, never on the size of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ritornello.errors import CheckpointError
from ritornello.generation.edit.loudness import at_loudness
from ritornello.generation.instrumentation import (
    Instrumentations,
    fill_in_instrumentation,
    own_drumming,
)
from ritornello.generation.job import ENDLESS, Job, chord_symbols, whole_piece
from ritornello.generation.planned import (
    by_plan,
    plan_symbols,
    section_markers,
    with_heard_chords,
)
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.generation.two_hands import as_one, second_hand
from ritornello.generation.usual_music import (
    UsualMusic,
    draw_feel,
    draw_held_bars,
    draw_key,
    draw_tempo,
)
from ritornello.generation.writer import Event, Writer
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Piece, Tempo
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_plan import OPEN_CONTEXT, OPEN_MEMORY
from ritornello.note_model.encoding.notes import (
    DURATION,
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    TEMPO,
    VELOCITY,
)
from ritornello.note_model.encoding.piece_controls import Controls, density_class, key_class
from ritornello.note_model.encoding.tables import HEAD_INPUTS
from ritornello.note_model.engine.reference import Engine
from ritornello.plan.feel import SWUNG
from ritornello.plan.plan import Plan
from ritornello.plan.style_usages import StyleUsages, usages_of
from ritornello.plan.swing import LEAST_RATIO, MOST_RATIO, Swing, as_swung, even_swing
from ritornello.rng import Rng

PlanOf = Callable[[Job, int], Plan]  # of a job and a seed
HISTORY_EVENTS = 1024  # the network reads no more of a song than that before it writes
_STEPS_BETWEEN_NEWS = 64
_BASS = "bass"
_OPEN = -1  # in place of a class that is yet to be drawn


# Called now and then while pieces are written, with all of them, see `note_feed`.
Hear = Callable[[Sequence[Writer]], None]


def begin(
    engine: Engine,
    rules: Rules,
    *,
    seeds: Sequence[int],
    instrumentations: Instrumentations = (),
    usual: UsualMusic = UsualMusic(),  # noqa: B008, it is a constant
    plan_of: PlanOf | None = None,
    two_hands: bool = False,
) -> list[Writer]:
    """Writers of one piece for each seed, before their first events.

    Args:
        engine: the model.
        rules: kept exactly.
        seeds: one for each piece.
        instrumentations: who plays where the rules leave the parts open, sampled by weight, and in
            which collection; with none of them every part may play.
        usual: where the rules ask for no key, one of them is sampled as a soft constraint, a
            control the model may leave; with none of them there is none. Tempos are kept.
        plan_of: gives the plan of a piece, with the bars, metre and parts of its job.
        two_hands: whether the two parts of the rules are hands of one player.
    """
    writers = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        job, plan = planned_job(
            rules,
            seed,
            rng,
            instrumentations=instrumentations,
            usual=usual,
            plan_of=plan_of,
        )
        if plan is not None:
            job = by_plan(job, plan, rng, hears=engine.plan)
        hand = second_hand(rules) if two_hands else None
        job = replace(job, swing=_swing_of(job), second_hand=hand)
        writers.append(Writer.start(job, rng))
    return writers


def planned_job(
    rules: Rules,
    seed: int,
    rng: Rng,
    *,
    instrumentations: Instrumentations,
    usual: UsualMusic,
    plan_of: PlanOf | None,
) -> tuple[Job, Plan | None]:
    """The job of a piece, with what its rules leave open filled in, and its plan; see `begin`."""
    filled = fill_in_instrumentation(rules, instrumentations, rng)
    if filled.tempo_bpm is None:
        filled = replace(filled, tempo_bpm=draw_tempo(filled, usual, rng))
    usages = usages_of(filled.collection)
    if usages is not None:
        filled = _in_style(filled, usages, rng, planned=plan_of is not None)
    job = whole_piece(filled)
    job = replace(
        job,
        key=draw_key(job.rules, usual, rng),
        own_beats=filled.collection in own_drumming(instrumentations),
        held_bars=draw_held_bars(filled.collection, usual, seed),
        feel=draw_feel(filled.collection, usual, seed),
    )
    return job, None if plan_of is None else plan_of(job, seed)


def _in_style(rules: Rules, usages: StyleUsages, rng: Rng, *, planned: bool) -> Rules:
    """The rules with the density of basses of a style where it is left open.

    Args:
        planned: whether there is a plan, by which basses hold a rhythm where the style knows one.
    """
    has_bass = rules.parts is not None and _BASS in rules.parts
    holds = planned and _BASS in usages.rhythms_in(rules.counts)
    if has_bass and not holds and usages.bass and rules.density is None and not rules.densities:
        rules = replace(rules, densities={_BASS: float(rng.choice(usages.bass))})
    return rules


def write(
    engine: Engine,
    writers: Sequence[Writer],
    *,
    sampling: Sampling | None = None,
    collections: tuple[str, ...] = (),
    watch: Callable[[int, int], None] = lambda tick, length: None,
    hear: Hear | None = None,
) -> Sequence[Writer]:
    """Writers at the start of their jobs to writers at the end, side by side.

    Of what is given before the first opening the network reads the last `HISTORY_EVENTS`.

    Args:
        engine: the model.
        writers: of `begin`, or of songs that are given.
        sampling: temperature and nucleus; the default `Sampling` where None.
        collections: names of the model's collections, to find that of the rules in.
        watch: called now and then with the tick reached and the length in ticks.
        hear: called then with the writers, see `ritornello.generation.note_feed`.
    """
    for writer in writers:
        writer.write_given_until(HISTORY_EVENTS)
    going = [writer for writer in writers if not writer.has_ended]
    condition = conditions(engine, going, collections)
    length = max((writer.job.end_ticks for writer in going), default=0)
    state = engine.initial_state(len(going))
    steps = advance_all(engine, going, condition, state, sampling or Sampling())
    for step, left in enumerate(steps):
        if step % _STEPS_BETWEEN_NEWS == 0:
            watch(min(writer.tracker.onset_ticks for writer in left), length)
            if hear is not None:
                hear(writers)
    if hear is not None:
        hear(writers)
    return writers


def piece_of(writer: Writer) -> Piece:
    """The events of a writer so far, as a piece."""
    job = writer.job
    events = as_one(writer.fields, job.second_hand)
    return to_piece(events, job.rules, job.plan, job.swing)


def finished_piece(writer: Writer) -> Piece:
    """The piece of a writer at its end, with the chords that sound in it.

    It has 24 ticks a quarter, 480 where it swings, and exactly the bars of the rules.
    """
    return with_heard_chords(piece_of(writer), writer.job.plan)


def _swing_of(job: Job) -> Swing | None:
    """How a whole piece swings by its rules, or else by the bars of its plan that are swung."""
    bars = Piece((), notes.RESOLUTION, metres=job.metres, length_ticks=job.length_ticks or 0)
    if job.rules.swing is not None:
        return even_swing(bars, job.rules.swing)
    if job.plan is None or not (job.plan.feel == SWUNG).any():
        return None
    ratios = np.where(job.plan.feel == SWUNG, np.nan_to_num(job.plan.swing, nan=2.0), 1.0)
    return even_swing(bars, np.clip(ratios, LEAST_RATIO, MOST_RATIO))


def to_piece(
    events: Sequence[Event] | np.ndarray,
    rules: Rules,
    plan: Plan | None = None,
    swing: Swing | None = None,
) -> Piece:
    """The events as a piece that states the rules and the plan it was written by, as it swings."""
    tempos = () if rules.tempo_bpm is None else (Tempo(0, rules.tempo_bpm),)
    keys = (KeyChange(0, rules.key),) if isinstance(rules.key, KeyName) else ()
    piece = notes.decode(np.array(events), rules.metre_map(), keys, tempos)
    if rules.loudness is not None:
        piece = replace(piece, tracks=at_loudness(piece.tracks, float(rules.loudness)))
    piece = replace(piece, chords=chord_symbols(rules, piece.metres, piece.length_ticks))
    if plan is not None:
        chords = piece.chords or plan_symbols(plan)
        piece = replace(piece, chords=chords, markers=section_markers(plan))
    return piece if swing is None else as_swung(piece, swing)


def conditions(
    engine: Engine, writers: Sequence[Writer], collections: tuple[str, ...]
) -> np.ndarray:
    """The vector that the controls of each job add to every input, float32 [writers, width]."""
    asked = [_controls(writer.job, collections) for writer in writers]
    if not asked:
        return np.zeros((0, engine.width), np.float32)
    return engine.condition(
        np.array([controls.row(engine.collections) for controls in asked]),
        np.array([controls.instrument_row() for controls in asked]),
    )


def _controls(job: Job, collections: tuple[str, ...]) -> Controls:
    rules = job.rules
    key = rules.key if isinstance(rules.key, KeyName) else job.key
    return Controls(
        collections.index(rules.collection) if rules.collection in collections else None,
        None if key is None else key_class(key),
        None if rules.density is None else density_class(rules.density),
        job.players,
        job.given_players,
        rules.busy(),
    )


def advance_all(
    engine: Engine,
    writers: Sequence[Writer],
    condition: np.ndarray,
    state: np.ndarray,
    sampling: Sampling,
    until_ticks: int = ENDLESS,
) -> Iterator[list[Writer]]:
    """Advance all writers; yields those that went on, after each step.

    Args:
        writers: each goes on until it has ended, or has begun an event from a tick on.
        condition: see `conditions`. state: of the network for each writer, which is written to.
        until_ticks: that tick.
    """
    going = [*range(len(writers))]
    while going := [
        index
        for index in going
        if not writers[index].has_ended and writers[index].tracker.onset_ticks < until_ticks
    ]:
        chosen = [writers[index] for index in going]
        rows = _rows(going, len(writers))
        state[rows] = advance(engine, chosen, condition[rows], state[rows], sampling)
        yield chosen


def advance(
    engine: Engine,
    writers: Sequence[Writer],
    condition: np.ndarray,
    state: np.ndarray,
    sampling: Sampling,
) -> np.ndarray:
    """Write the next event of each writer; returns the state of the network after it."""
    for writer in writers:
        writer.take_up()
    events, after = propose(engine, writers, condition, state, sampling)
    for number, (writer, event) in enumerate(zip(writers, events, strict=True)):
        if writer.take_up(event):
            after[number] = state[number]  # as if the event had never been drawn
        else:
            writer.write(event)
    return after


def propose(
    engine: Engine,
    writers: Sequence[Writer],
    condition: np.ndarray,
    state: np.ndarray,
    sampling: Sampling,
) -> tuple[list[Event], np.ndarray]:
    """The next event of each writer, not yet written, and the state of the network after it."""
    rows = np.array([_told(engine, w, w.tracker.context(), OPEN_CONTEXT) for w in writers])
    if engine.plan:
        condition = condition + np.array([writer.playing(engine) for writer in writers])
    hidden, state = engine.step(rows, condition, state)
    events = {
        index: event
        for index, writer in enumerate(writers)
        if (event := writer.forced_event()) is not None
    }
    # Who is forced draws no random numbers, whatever the others do.
    for twice in (False, True):
        free = [
            index for index, writer in enumerate(writers)
            if index not in events and writer.figures.came_twice is twice
        ]  # fmt: skip
        if free:
            how = sampling.unsharpened() if twice else sampling
            drawn = _events(engine, hidden[free], [writers[index] for index in free], how)
            events |= zip(free, drawn, strict=True)
    return [events[index] for index in range(len(writers))], state


def _rows(chosen: list[int], count: int) -> list[int] | slice:
    """An index of chosen rows of some; all of them are not copied."""
    return slice(None) if len(chosen) == count else chosen


def _only_class(legal: np.ndarray) -> int:
    """The one class that is legal, bool [classes]; `_OPEN` where there is a choice."""
    return int(legal.argmax()) if np.count_nonzero(legal) == 1 else _OPEN


def _told(engine: Engine, writer: Writer, row: list[int], unknown: Sequence[int]) -> list[int]:
    """The columns that the model reads: those of a plan say nothing where there is none."""
    return [*row, *unknown] if engine.plan and writer.job.told is None else row


def _events(
    engine: Engine, hidden: np.ndarray, writers: Sequence[Writer], sampling: Sampling
) -> list[Event]:
    """The next event of each writer, field by field."""
    uniform = np.array([writer.rng.random(len(notes.FIELDS)) for writer in writers])
    # What heads may read of each event so far, by the names in `HEAD_INPUTS`. A row is put
    # together as a list: a few numbers cost less so than as arrays.
    known: list[dict[str, Sequence[int]]] = [{} for _ in writers]

    def choose(head: int, legal: list[np.ndarray] | None) -> list[int]:
        # Rules often leave one class alone, such as the next moment of a rhythm: that one comes.
        found = [_only_class(row) for row in legal] if legal else [_OPEN] * len(writers)
        open_rows = [row for row, index in enumerate(found) if index == _OPEN]
        if open_rows:
            some = _rows(open_rows, len(writers))
            names = HEAD_INPUTS[head]
            chosen = engine.choose(
                head,
                hidden[some],
                np.array([_columns(known[row], names) for row in open_rows]) if names else None,
                np.array([legal[row] for row in open_rows]) if legal else None,
                uniform[some, head],
                sampling.temperature_of(head),
                sampling.top_p,
                sampling.top_k,
            )
            for row, index in zip(open_rows, chosen.tolist(), strict=True):
                # Where weights overflow, nothing is likelier than anything else, and the piece
                # never ends.
                if index < 0 or (legal and not legal[row][index]):
                    raise CheckpointError(
                        "The model's answers are no numbers, so its weights are damaged.",
                        next_step="Get its file again, or train it again.",
                    )
                found[row] = index
        return found

    shifts = choose(SHIFT, [writer.masks.shifts() for writer in writers])
    after = [*zip(writers, shifts, strict=True)]
    for seen, (writer, shift) in zip(known, after, strict=True):
        seen["shift"] = (shift,)
        seen["place"] = writer.tracker.place(shift)

    parts = choose(PART, [writer.masks.parts(shift) for writer, shift in after])
    played = [*zip(writers, shifts, parts, strict=True)]
    for seen, (writer, shift, part) in zip(known, played, strict=True):
        seen["part"] = (part,)
        memory = writer.tracker.memory(shift, part)
        seen["memory"] = _told(engine, writer, memory, OPEN_MEMORY)

    pitches = choose(PITCH, [writer.masks.pitches(shift, part) for writer, shift, part in played])
    pitches = [NONE[PITCH] if p >= REST else q for p, q in zip(parts, pitches, strict=True)]
    given = [
        writer.given_event(shift, part, pitch)
        for (writer, shift, part), pitch in zip(played, pitches, strict=True)
    ]
    pitches = [q if come is None else come[PITCH] for q, come in zip(pitches, given, strict=True)]
    for seen, (writer, _, part), pitch in zip(known, played, pitches, strict=True):
        seen["pitch"] = (pitch,)
        seen["echo"] = writer.tracker.echo(part, pitch)

    sounds = [TEMPO < part < REST for part in parts]
    legal = [
        writer.masks.durations(shift, part, pitch)
        for (writer, shift, part), pitch in zip(played, pitches, strict=True)
    ]
    durations = choose(DURATION, legal)
    durations = [d if s else NONE[DURATION] for d, s in zip(durations, sounds, strict=True)]
    for seen, duration in zip(known, durations, strict=True):
        seen["duration"] = (duration,)

    velocities = choose(VELOCITY, None)
    velocities = [v if s else NONE[VELOCITY] for v, s in zip(velocities, sounds, strict=True)]
    written = zip(shifts, parts, pitches, durations, velocities, strict=True)
    return [event if come is None else come for event, come in zip(written, given, strict=True)]


def _columns(known: Mapping[str, Sequence[int]], names: Sequence[str]) -> list[int]:
    """What is known under some names, one after another."""
    row: list[int] = []
    for name in names:
        row += known[name]
    return row
