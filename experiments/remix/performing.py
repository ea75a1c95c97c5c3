"""A part of a piece as somebody might play and record it: their tempo, their hands, their room."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ritornello.dsp.reverb import add_room
from ritornello.dsp.waveform import Waveform
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.rng import Rng
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

RATE_HZ = 44_100
_TIMES = ("onset_seconds", "end_seconds")
_TAIL_SECONDS = 1.5
_SWAY = 0.12  # of the tempo, up and down
_BEATS_BETWEEN_TURNS = 6  # of the tempo curve
_PHRASE_END = (0.92, 0.84)  # tempo of the last two beats of a phrase
_CLOSE = (0.92, 0.85, 0.77, 0.7)  # and of the last four of all
_STEADY_JITTER_SECONDS = 0.004
_RUBATO_JITTER_SECONDS = (0.008, 0.015)
_WITHIN_CHORD_SECONDS = 0.003
_NOISE_BELOW_DB = 35.0


@dataclass(frozen=True)
class Manner:
    """How a take is played and recorded.

    Attributes:
        rubato: the tempo sways smoothly by up to 12%, phrases end slower, hands are 8-15 ms off
            (standard deviation of an onset); else one tempo and 4 ms.
        rough: in a room, with noise 35 dB below the music.
    """

    rubato: bool
    rough: bool


def on_players_tempo(piece: Piece, manner: Manner, rng: Rng) -> Piece:
    """The piece, in one metre and tempo, with a tempo for every half beat."""
    if not manner.rubato:
        return piece
    metre = piece.metres[0]
    half_beat = max(1, metre.beat_ticks(piece.resolution) // 2)
    ticks = np.arange(0, piece.length_ticks, half_beat)
    beats = ticks / (2 * half_beat)
    turns = rng.uniform(-1, 1, int(beats[-1] // _BEATS_BETWEEN_TURNS) + 3)
    place = beats / _BEATS_BETWEEN_TURNS
    share = (1 - np.cos(np.pi * (place % 1))) / 2  # smooth from turn to turn
    left = place.astype(int)
    factors = 1 + _SWAY * (turns[left] * (1 - share) + turns[left + 1] * share)
    phrase = int(rng.choice([4, 8])) * metre.bar_ticks(piece.resolution)
    to_phrase_end = (phrase - ticks % phrase) // (2 * half_beat)
    for behind, factor in enumerate(reversed(_PHRASE_END)):
        factors[to_phrase_end == behind] *= factor
    to_end = (piece.length_ticks - ticks - 1) // (2 * half_beat)
    for behind, factor in enumerate(reversed(_CLOSE)):
        factors[to_end == behind] *= factor
    bpm = piece.tempos[0].bpm
    tempos = [Tempo(int(t), float(bpm * f)) for t, f in zip(ticks, factors, strict=True)]
    return replace(piece, tempos=tuple(tempos))


def played(piece: Piece, track: Track, manner: Manner, rng: Rng) -> np.ndarray:
    """The notes of a part as hands play them, `HEARD_NOTE_DTYPE`; none before 0 seconds."""
    table = track.notes
    jitter = _STEADY_JITTER_SECONDS
    if manner.rubato:
        jitter = rng.uniform(*_RUBATO_JITTER_SECONDS)
    onsets, chord = np.unique(table["onset"], return_inverse=True)
    off = np.clip(rng.normal(0, jitter, len(onsets)), -3 * jitter, 3 * jitter)[chord]
    off += rng.uniform(-1, 1, len(table)) * _WITHIN_CHORD_SECONDS
    notes = np.zeros(len(table), HEARD_NOTE_DTYPE)
    begun = piece.ticks_to_seconds(table["onset"])
    notes["onset_seconds"] = np.maximum(0, begun + off)
    length = piece.ticks_to_seconds(table["onset"] + table["duration"]) - begun
    notes["end_seconds"] = notes["onset_seconds"] + np.maximum(0.03, length)
    notes["pitch"] = table["pitch"]
    notes["velocity"] = np.clip(table["velocity"] + rng.integers(-8, 9, len(table)), 25, 127)
    notes["confidence"] = 1
    return np.sort(notes, order=["onset_seconds", "pitch"])


def recorded(
    notes: np.ndarray, program: int, font: SoundFont, manner: Manner, rng: Rng
) -> Waveform:
    """One channel with a peak of -3 to -12 dB, from 0 seconds until the last note has faded."""
    onsets, ends = (np.rint(notes[name] * RATE_HZ).astype(int) for name in _TIMES)
    columns = (onsets, ends, notes["pitch"], notes["velocity"])
    in_samples = [PlayedNote(*note) for note in zip(*(c.tolist() for c in columns), strict=True)]
    length = round((float(notes["end_seconds"].max()) + _TAIL_SECONDS) * RATE_HZ)
    sound = np.zeros((2, length), np.float32)
    Sampler(font, RATE_HZ).play(in_samples, sound, program=program)
    if manner.rough:
        add_room(sound, RATE_HZ)
    mono = sound.mean(axis=0)
    if manner.rough:
        loud = np.sqrt(np.mean(np.square(mono)))
        noise = rng.standard_normal(length).astype(np.float32)
        mono += noise * loud * np.float32(10 ** (-_NOISE_BELOW_DB / 20))
    mono *= 10 ** (-rng.uniform(3, 12) / 20) / np.abs(mono).max()
    return Waveform(mono[:, None].astype(np.float32), RATE_HZ)
