"""Beats and what is played on them to how likely each possible answer is: so many beats a bar, and
the first of them that begins one; by a network.

A bidirectional LSTM reads one step a beat: which notes begin there and between, how low, long, loud
and new they are, what sounds, what sounded one to eight beats before, and what the network that
reads notes says of bars (`note_beats`). For each metre it tells how far each beat speaks for a bar
that begins there. Made by `experiments.listening.bar_model`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ritornello.note_model.engine.recurrent import lstm
from ritornello.note_model.weights_file import WeightsFile
from ritornello.transcribe.notes_on_beats import NotesOnBeats

BAR_NETWORK_FILE, BAR_NETWORK_KIND = "bar_network.safetensors", "bar network"
COUNTS = 4, 3, 2  # beats a bar that are told apart
_LAGS = 1, 2, 3, 4, 6, 8  # beats
_QUARTERS = 4  # of a beat
_SCALARS = 13 + 2 * _QUARTERS
FEATURES = _SCALARS + 24 + 2 * len(_LAGS)
_FIRST_BEATS = 0.2  # the first note may be so early
_MOST_CHROMA = 2.0
_LOUD = 90.0  # velocity


def nats(table: np.ndarray, answers: Sequence[tuple[int, int]], network: WeightsFile) -> np.ndarray:
    """Log probability of each answer, but for what is the same for all; float64 [answers].

    Args:
        table: see `beats_table`.
        answers: beats a bar, and number of the first beat that begins one.
        network: weights of a `experiments.listening.bar_net.BarNet`.
    """
    weights = network.weights
    hidden = np.maximum(table @ weights["read.weight"].T + weights["read.bias"], 0)
    hidden = lstm(hidden[:, None], weights, "lstm.")[:, 0]
    begins = hidden @ weights["begins.weight"].T + weights["begins.bias"]
    begins = begins - begins.mean(axis=0)
    of_metres = hidden.mean(axis=0) @ weights["metres.weight"].T + weights["metres.bias"]
    found = []
    for count, first in answers:
        metre = min(range(len(COUNTS)), key=lambda known: abs(COUNTS[known] - count))
        # As the mean of so many bars' first beats, which err alike, times the root of their number.
        told = begins[first::count, metre].sum() * np.sqrt(count / len(begins))
        found.append(float(told + of_metres[metre]))
    return np.array(found)


def beats_table(played: NotesOnBeats) -> np.ndarray:
    """What the network reads of each beat, float32 [beats, FEATURES].

    Of the notes that begin on it, less the mean of all beats: whether there are some, how many,
    how low, long and loud, how new their pitch classes are to the beat before and to two of them,
    and how likely a bar begins; for each quarter of the beat how many notes begin there, and how
    loud; whether some begin on it, its highest and lowest; whether it lies before the first note,
    and at it. Then the pitch classes that sound, and how they changed; and how like those of one to
    eight beats before, and how like in rhythm.
    """
    onsets = played.onsets_beats
    count = len(played.times_seconds)
    on_beat = np.column_stack([played.begun, played.bar_odds / 2])
    begun, loud = _by_quarters(played)
    chroma = np.minimum(played.pitch_classes, _MOST_CHROMA)
    before = np.vstack([np.zeros((1, 12)), chroma[:-1]])
    table = np.column_stack(
        [
            on_beat - on_beat.mean(axis=0),
            begun,
            loud,
            _outermost(played),
            np.arange(count) < np.floor(onsets.min() + _FIRST_BEATS),
            np.arange(count) == np.clip(np.rint(onsets.min()), 0, count - 1),
            chroma,
            chroma - before,
            _likeness(chroma),
            _likeness(begun),
        ]
    )
    return table.astype(np.float32)


def transposed(table: np.ndarray, semitones: int) -> np.ndarray:
    """A table as that of notes so many semitones higher, for augmentation."""
    moved = np.arange(FEATURES)
    for first in (_SCALARS, _SCALARS + 12):
        moved[first : first + 12] = first + np.roll(np.arange(12), semitones)
    result: np.ndarray = table[:, moved]
    return result


def _by_quarters(played: NotesOnBeats) -> tuple[np.ndarray, np.ndarray]:
    """How many notes begin near each quarter of each beat, compressed, and the loudest of them."""
    places = len(played.times_seconds) * _QUARTERS
    near = np.rint(played.onsets_beats * _QUARTERS).astype(int)
    inside = (near >= 0) & (near < places)
    many, loud = np.zeros(places), np.zeros(places)
    np.add.at(many, near[inside], 1)
    np.maximum.at(loud, near[inside], played.notes["velocity"][inside] / _LOUD)
    return np.log1p(many).reshape(-1, _QUARTERS), loud.reshape(-1, _QUARTERS)


def _outermost(played: NotesOnBeats) -> np.ndarray:
    """Whether notes begin on each beat, the highest and the lowest in octaves, [beats, 3]."""
    here, beat = played.near
    pitches, count = played.notes["pitch"], len(played.times_seconds)
    octaves = (pitches[here] - pitches.mean()) / 12
    high, low = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(high, beat, octaves)
    np.minimum.at(low, beat, octaves)
    some = np.isfinite(high)
    return np.column_stack([some, np.where(some, high, 0), np.where(some, low, 0)])


def _likeness(rows: np.ndarray) -> np.ndarray:
    """Cosine of each row and those `_LAGS` before it, [beats, lags]; 0 before the first."""
    unit = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-3)
    found = np.zeros((len(rows), len(_LAGS)))
    for number, lag in enumerate(_LAGS):
        found[lag:, number] = (unit[lag:] * unit[:-lag]).sum(axis=1)
    return found
