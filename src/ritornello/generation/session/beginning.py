"""Where endless music begins: at nothing, or at the end of a primer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.generation.instrumentation import (
    Instrumentations,
    fill_in_instrumentation,
    own_drumming,
)
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.generation.session.moment import Instant, Moment, Settings
from ritornello.generation.session.primer_reading import read_primer
from ritornello.generation.session.section_settings import with_refrain
from ritornello.generation.usual_music import UsualMusic, draw_held_bars, draw_key, draw_tempo
from ritornello.music.keys import KeyName, estimate_key, pitch_class_weights
from ritornello.music.piece import Piece
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import DRUM_PITCH, NONE, PART, PITCH, SHIFT
from ritornello.note_model.engine.reference import Engine


def from_nothing(
    engine: Engine,
    rules: Rules,
    sampling: Sampling,
    seed: int,
    instrumentations: Instrumentations,
    usual: UsualMusic,
    *,
    form: bool,
) -> Moment:
    """The moment before the first event; arguments as of `Improvisation.start`.

    Raises:
        ConfigError: if the rules cannot be met.
    """
    rng = np.random.default_rng(seed)
    rules = fill_in_instrumentation(rules, instrumentations, rng)
    if rules.tempo_bpm is None:
        rules = replace(rules, tempo_bpm=draw_tempo(rules, usual, rng))
    key = draw_key(rules, usual, rng)
    metres = rules.metre_map()
    settings = Settings(rules, sampling, key=key)
    drumming = _own_drumming(instrumentations, usual, seed)
    instant = Instant(
        with_refrain(settings, metres, seed, key, own_drumming=drumming) if form else settings,
        None,
        engine.initial_state(1),
        rng.bit_generator.state,
        seconds=0.0,
        tempos=(),
        reached_ticks=0,
    )
    return Moment(instant, metres, np.zeros((0, 1 + len(NONE)), np.int64))


def from_primer(
    engine: Engine,
    primer: Piece,
    rules: Rules,
    sampling: Sampling,
    seed: int,
    collections: tuple[str, ...],
    instrumentations: Instrumentations,
    usual: UsualMusic,
    *,
    form: bool,
) -> Moment:
    """The moment after a primer, in its tempo; arguments as of `Improvisation.start`.

    Raises:
        ConfigError: if the rules cannot be met.
    """
    rng = np.random.default_rng(seed)
    encoded = notes.encode(primer)
    rules = replace(
        rules,
        parts=rules.parts or notes.instrumentation_of(encoded),
        tempo_bpm=primer.tempos[-1].bpm,
    )
    settings = Settings(rules, sampling, encoded.length_ticks, encoded.length_ticks)
    if form:
        key, drumming = _key_of(encoded.fields), _own_drumming(instrumentations, usual, seed)
        settings = with_refrain(settings, encoded.metres, seed, key, own_drumming=drumming)
    writer, state = read_primer(engine, encoded, settings, rng, collections)
    onsets = np.cumsum(writer.fields[:, SHIFT])
    seconds = primer.ticks_to_seconds(onsets[-1:])
    instant = Instant(
        settings,
        None,
        state,
        rng.bit_generator.state,
        float(seconds[0]),
        primer.tempos,
        encoded.length_ticks,
    )
    events = np.concatenate([onsets[:, None], writer.fields], axis=1)
    return Moment(instant, encoded.metres, events)


def _own_drumming(
    instrumentations: Instrumentations, usual: UsualMusic, seed: int
) -> dict[str, int]:
    """The collections of somebody's own with drummers, and how many bars of a beat these hold."""
    return {name: draw_held_bars(name, usual, seed) for name in own_drumming(instrumentations)}


def _key_of(fields: np.ndarray) -> KeyName | None:
    """The key of the notes of a primer."""
    pitched = notes.is_note(fields[:, PART]) & (fields[:, PITCH] < DRUM_PITCH)
    return estimate_key(pitch_class_weights(fields[pitched, PITCH]))
