"""Drumming whose strokes are known: human performances on synthesised and on recorded drums.

The MIDI is that of the Groove MIDI Dataset (official split), played on kits drawn anew for each
clip (`drum_kits`), louder or softer, in a room, with noise, and now and then beside music, as a
separated stem keeps some.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.listening.drum_kits import Kit, one_shots
from experiments.listening.drum_synthesis import level
from ritornello.dsp.effects import random_effects
from ritornello.music import io
from ritornello.music.piece import Piece
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.drum_detection import DRUM_KINDS, kind_of
from ritornello.transcribe.spectra import RATE_HZ

SECONDS = 10.0
_MUSIC_SHARE = 0.35
# Of clips: what is written for the hi-hat is on a ride, or on an open one; crashes beside kicks,
# and beside which share of them.
_RIDE_SHARE, _OPEN_SHARE, _CRASHES_SHARE, _CRASHED = 0.15, 0.15, 0.3, 0.15
_RIDE, _OPEN, _CRASH = 51, 46, 49

DrawKit = Callable[[np.random.Generator], Kit]


class DrumClip(NamedTuple):
    """Samples, mono float32 at 22,050 Hz, and strokes: seconds and index into `DRUM_KINDS`."""

    samples: np.ndarray
    seconds: np.ndarray
    kinds: np.ndarray


def clips(
    data: Path, side: str, count: int, seed: int, draw_kit: DrawKit | None = None
) -> Iterator[DrumClip]:
    """Clips of the side "train" or "validation", on kits drawn anew or those of `draw_kit`."""
    rng = np.random.default_rng(seed)
    folder = data / "groove_midi"
    with (folder / "info.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == side]
    if draw_kit is None:
        draw_kit = partial(Kit.draw, one_shots(data, side))
    while count:
        piece = io.read(folder / rows[rng.integers(len(rows))]["midi_filename"])
        found = _clip(piece, draw_kit, rng)
        if found is not None:
            yield found
            count -= 1


def _clip(piece: Piece, draw_kit: DrawKit, rng: np.random.Generator) -> DrumClip | None:
    notes = np.concatenate([track.notes for track in piece.tracks if track.is_drum])
    times = piece.ticks_to_seconds(notes["onset"])
    start = float(rng.uniform(0, max(0.1, times.max(initial=0) - SECONDS)))
    kinds = np.array([kind_of(int(pitch)) for pitch in notes["pitch"]])
    here = (times >= start) & (times < start + SECONDS - 0.1) & (kinds >= 0)
    if here.sum() < 8:
        return None
    seconds, pitches = times[here] - start, notes["pitch"][here]
    velocities, drawn = notes["velocity"][here], rng.random()
    if drawn < _RIDE_SHARE + _OPEN_SHARE:
        instead = _RIDE if drawn < _RIDE_SHARE else _OPEN
        pitches = np.where(kinds[here] == DRUM_KINDS.index("hi-hat"), instead, pitches)
    if rng.random() < _CRASHES_SHARE:
        crashed = (kinds[here] == DRUM_KINDS.index("kick")) & (rng.random(len(pitches)) < _CRASHED)
        seconds = np.concatenate([seconds, seconds[crashed]])
        pitches = np.concatenate([pitches, np.full(crashed.sum(), _CRASH)])
        velocities = np.concatenate([velocities, velocities[crashed]])
    kinds = np.array([kind_of(int(pitch)) for pitch in pitches])
    placed = [
        PlayedNote(round(at * RATE_HZ), 0, int(pitch), int(velocity))
        for at, pitch, velocity in zip(seconds, pitches, velocities, strict=True)
    ]
    samples = draw_kit(rng).play(placed, round(SECONDS * RATE_HZ))
    if rng.random() < _MUSIC_SHARE:
        samples = samples + 10 ** (rng.uniform(-30, -8) / 20) * _music(len(samples), rng)
    samples = (0.5 * samples / max(1e-6, np.abs(samples).max())).astype(np.float32)
    return DrumClip(random_effects(samples, RATE_HZ, rng, strength=0.7), seconds, kinds)


def _music(count: int, rng: np.random.Generator) -> np.ndarray:
    """Tones of a band that have nothing to do with the drums."""
    out = np.zeros(count + 2 * RATE_HZ)
    for _ in range(int(rng.integers(10, 60))):
        time = np.arange(round(rng.uniform(0.2, 1.5) * RATE_HZ)) / RATE_HZ
        hz = 440 * 2 ** ((rng.integers(30, 84) - 69) / 12)
        tone = sum(
            np.sin(2 * np.pi * k * hz * time) / k ** rng.uniform(0.7, 2) for k in range(1, 8)
        )
        start = int(rng.integers(count))
        out[start : start + len(time)] += (
            tone
            * np.exp(-time / rng.uniform(0.1, 1))
            * (np.minimum(1, time / rng.uniform(0.002, 0.1)))
        )
    return level(out[:count])
