"""Notes to a solo of synthesised sound, whose pitches and strums are a hand's or a voice's.

A sampler plays every note on its pitch, at once and as loudly as it is told. Nobody sings so: notes
lie between keys, strings of a chord sound one after the other, and some hardly at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.listening.drum_kits import Kit, one_shots
from experiments.listening.note_clips import (
    CLIP_SAMPLES,
    KINDS,
    NO_NOTES,
    Clip,
    excerpt,
    one_key_once,
)
from experiments.listening.sung_lines import Line
from experiments.listening.tones import Instrument
from ritornello.corpus.store import Corpus
from ritornello.dsp.effects import random_effects
from ritornello.rng import Rng
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.note_activity import RATE_HZ
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

FAMILIES = {
    "piano": "plucked", "guitar": "plucked", "bass": "plucked", "lead": "electronic",
    "flute": "sung", "violin": "bowed", "string chords": "bowed", "voice": "sung",
}  # fmt: skip
# Semitones: most of the standard deviation of a solo's notes, and how far the whole may lie off.
_OUT_OF_TUNE = {"sung": 0.4, "bowed": 0.15, "plucked": 0.05, "electronic": 0.0}
_TUNING_MISSED = {"sung": 0.5, "bowed": 0.1, "plucked": 0.1, "electronic": 0.05}
_SUNG_TREMBLE, _SUNG_SLIDE = 0.8, 0.8  # most depth, mean
_STRUM_SECONDS, _STRUMMED_TOGETHER_SECONDS = 0.012, 0.03
_SOFTEST_SHARE = 0.1  # of a chord's loudness that a string of it may have
_MUTED_SHARE, _MUTED_SECONDS = 0.3, (0.05, 0.2)  # of plucked solos, strokes that are damped
_EARLY_SECONDS = 0.012
_LINE_SHARE = 0.6  # of what is sung or bowed, that goes on from note to note
_OVERLAP_SAMPLES = round(0.06 * RATE_HZ)  # of notes of one voice
_PEAK = 0.5


def performed(clips: Iterable[Clip], rng: Rng) -> Iterator[Clip]:
    """Clips of the same notes on synthesised instruments, recorded as somebody might."""
    for clip in clips:
        sound, notes = perform(clip.notes, clip.kind, len(clip.samples), rng)
        yield replace(clip, samples=random_effects(sound, RATE_HZ, rng), notes=one_key_once(notes))


def drum_machines(corpus: Corpus, side: str, count: int, data: Path, seed: int) -> Iterator[Clip]:
    """Human drumming on machines drawn anew, recorded as somebody might; no note is in it."""
    rng = np.random.default_rng([seed, len(KINDS)])
    shots = one_shots(data, side)
    drums = [i for i in corpus.indices(side) if corpus.collection_of(int(i)) == "groove_midi"]
    for _ in range(count):
        index = int(rng.choice(drums))
        piece = corpus.piece(index)
        notes = excerpt(piece, list(piece.tracks), rng)
        columns = notes["onset_seconds"] * RATE_HZ, notes["end_seconds"] * RATE_HZ
        rows = zip(*columns, notes["pitch"].tolist(), notes["velocity"].tolist(), strict=True)
        played = [PlayedNote(round(begins), round(ends), *rest) for begins, ends, *rest in rows]
        sound = Kit.draw(shots, rng).play(played, CLIP_SAMPLES).astype(np.float32)
        sound *= np.float32(_PEAK / max(float(np.abs(sound).max()), 1e-6))
        samples = random_effects(sound, RATE_HZ, rng)
        nothing = np.zeros(0, HEARD_NOTE_DTYPE)
        yield Clip(NO_NOTES, corpus.name_of(index), samples, nothing)


def perform(notes: np.ndarray, kind: str, samples: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """The sound of notes, float32 [samples] at 22,050 Hz, and the notes as played, nearest keys.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset. kind: of `note_clips.KINDS`.
    """
    family = FAMILIES[kind]
    played = notes.copy()
    onset, end = played["onset_seconds"], played["end_seconds"]
    moved = _strummed(onset, rng) if family == "plucked" else np.zeros(len(played))
    moved += rng.normal(0, _EARLY_SECONDS, len(played))
    onset += np.clip(moved, -np.minimum(onset, 0.02), 0.6 * (end - onset))
    if family == "plucked":
        softer = rng.uniform(_SOFTEST_SHARE, 1, len(played)) ** rng.uniform(0, 1)
        played["velocity"] = np.clip(played["velocity"] * softer, 12, 127)
        if rng.random() < _MUTED_SHARE:
            muted = rng.random(len(played)) < rng.random()
            end[muted] = np.minimum(end, onset + rng.uniform(*_MUTED_SECONDS, len(played)))[muted]
    spread = rng.uniform(0, _OUT_OF_TUNE[family])
    pitches = played["pitch"] + rng.normal(0, 1, len(played)) * spread
    pitches += rng.uniform(-1, 1) * _TUNING_MISSED[family]
    played["pitch"] = np.rint(pitches)
    instrument = replace(Instrument.draw(family, rng), strum=0.0)
    if family == "sung":
        tremble = rng.uniform(0, _SUNG_TREMBLE), instrument.trembles[1]
        slide = float(rng.exponential(_SUNG_SLIDE))
        instrument = replace(instrument, trembles=tremble, slides=slide)
    columns = onset * RATE_HZ, end * RATE_HZ, pitches, played["velocity"]
    rows = [
        # A note may lie between the keys here, which a sampler's does not.
        PlayedNote(round(begins), round(ends), pitch, round(loud))
        for begins, ends, pitch, loud in zip(*(c.tolist() for c in columns), strict=True)
    ]
    if family in ("sung", "bowed") and rng.random() < _LINE_SHARE:
        line = Line.draw(family, rng)
        sound = np.sum([line.play(row, samples, RATE_HZ, rng) for row in _lines(rows)], axis=0)
    else:
        sound = instrument.play(rows, samples, RATE_HZ, rng)
    order = np.lexsort((played["pitch"], played["onset_seconds"]))
    peak = max(float(np.abs(sound).max()), 1e-6)
    return sound * np.float32(_PEAK / peak), played[order]


def _lines(notes: Sequence[PlayedNote]) -> list[list[PlayedNote]]:
    """Notes by onset, given to voices that sing one at a time: the one that fell silent last."""
    lines: list[list[PlayedNote]] = []
    for note in notes:
        free = [line for line in lines if line[-1].end <= note.onset + _OVERLAP_SAMPLES]
        if free:
            max(free, key=lambda line: line[-1].end).append(note)
        else:
            lines.append([note])
    return lines


def _strummed(onsets: np.ndarray, rng: Rng) -> np.ndarray:
    """Seconds by which the notes of a chord come after its first, up or down the strings."""
    chord = np.cumsum(np.diff(onsets, prepend=-1) > _STRUMMED_TOGETHER_SECONDS)
    late = np.zeros(len(onsets))
    step = rng.exponential(_STRUM_SECONDS)
    for number in np.unique(chord):
        members = np.flatnonzero(chord == number)
        places = np.arange(len(members), dtype=float)
        late[members] = step * (places if rng.random() < 0.6 else places[::-1])
    return late
