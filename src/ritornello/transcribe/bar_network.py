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
from ritornello.transcribe.note_beats import NoteBeats

BAR_NETWORK_FILE, BAR_NETWORK_KIND = "bar_network.safetensors", "bar network"
COUNTS = 4, 3, 2  # beats a bar that are told apart
_TIMES = "onset_seconds", "end_seconds"
_LAGS = 1, 2, 3, 4, 6, 8  # beats
_QUARTERS = 4  # of a beat
_SCALARS = 13 + 2 * _QUARTERS
_BEGUN = slice(8, 8 + _QUARTERS)
FEATURES = _SCALARS + 24 + 2 * len(_LAGS)
_NOT_TOLD = -2.5  # log odds that a bar begins where no note does
_MOST_TOLD = 4.0
EARLY, _LATE = 0.15, 0.85  # beats; what begins so early belongs to the beat
_LONGEST = 4  # beats of a note that count
_SHORTEST = 0.25
TOGETHER = 0.1  # beats between onsets that are one
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


def beats_table(notes: np.ndarray, told: NoteBeats, times_seconds: np.ndarray) -> np.ndarray:
    """What the network reads of each beat, float32 [beats, FEATURES].

    Of the notes that begin on it, less the mean of all beats: whether there are some, how many,
    how low, long and loud, how new their pitch classes are to the beat before and to two of them,
    and how likely a bar begins; for each quarter of the beat how many notes begin there, and how
    loud; whether some begin on it, its highest and lowest; whether it lies before the first note,
    and at it. Then the pitch classes that sound, and how they changed; and how like those of one to
    eight beats before, and how like in rhythm.

    Args:
        notes: `HEARD_NOTE_DTYPE`, at least one. told: what the network says of them.
        times_seconds: of beats, at least two.
    """
    onsets, ends = (
        in_beats(notes[name], times_seconds) for name in ("onset_seconds", "end_seconds")
    )
    count = len(times_seconds)
    chroma = pitch_classes(notes, onsets, ends, count)
    odds = told_on_beats(told, times_seconds)
    on_beat = np.column_stack([on_beats(notes, onsets, ends, chroma), odds / 2])
    begun, loud = _by_quarters(notes, onsets, count)
    chroma = np.minimum(chroma, _MOST_CHROMA)
    before = np.vstack([np.zeros((1, 12)), chroma[:-1]])
    table = np.column_stack(
        [
            on_beat - on_beat.mean(axis=0),
            begun,
            loud,
            _outermost(notes, onsets, count),
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


def in_beats(seconds: np.ndarray, times_seconds: np.ndarray) -> np.ndarray:
    """Seconds to positions in beats, extrapolated evenly beyond the first and last beat."""
    first, last = np.diff(times_seconds)[[0, -1]]
    inside = np.interp(seconds, times_seconds, np.arange(len(times_seconds)))
    before = np.minimum(0, (seconds - times_seconds[0]) / first)
    result: np.ndarray = inside + before + np.maximum(0, (seconds - times_seconds[-1]) / last)
    return result


def _near_beats(onsets: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which onsets lie on a beat, and on which."""
    near = np.rint(onsets).astype(int)
    here = (np.abs(onsets - near) < EARLY) & (near >= 0) & (near < count)
    return here, near[here]


def on_beats(
    notes: np.ndarray, onsets: np.ndarray, ends: np.ndarray, chroma: np.ndarray
) -> np.ndarray:
    """What begins on each beat, and how new it is, [beats, 7]."""
    count = len(chroma)
    here, beat = _near_beats(onsets, count)
    begun = notes[here]
    many = np.bincount(beat, minlength=count).astype(float)
    moments = np.unique(onsets)
    following = np.searchsorted(moments, onsets + TOGETHER)
    until_next = np.append(moments, moments[-1] + _LONGEST)[following] - onsets
    lasting = np.minimum(_LONGEST, np.maximum(until_next, ends - onsets))
    low, long, loud = np.zeros(count), np.zeros(count), np.zeros(count)
    np.maximum.at(low, beat, (notes["pitch"].mean() - begun["pitch"]) / 12)
    np.maximum.at(long, beat, lasting[here])
    np.add.at(loud, beat, begun["velocity"] / notes["velocity"].mean() - 1)
    padded = np.pad(chroma, ((2, 2), (0, 0)))
    before, pair_before = padded[1:-3], padded[:-4] + padded[1:-3]
    return np.column_stack(
        [
            many > 0, np.log1p(many), low, np.log1p(long),
            distance(before, chroma), distance(pair_before, chroma + padded[3:-1]),
            loud / np.maximum(many, 1),
        ]
    )  # fmt: skip


def told_on_beats(told: NoteBeats, times_seconds: np.ndarray) -> np.ndarray:
    """Log odds [beats] of a downbeat at each beat: the largest over the notes that begin there."""
    here, beat = _near_beats(in_beats(told.times_seconds, times_seconds), len(times_seconds))
    odds = np.full(len(times_seconds), -np.inf)
    np.maximum.at(odds, beat, told.logits[here, 1])
    return np.clip(np.where(np.isfinite(odds), odds, _NOT_TOLD), -_MOST_TOLD, _MOST_TOLD)


def _by_quarters(
    notes: np.ndarray, onsets: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many notes begin near each quarter of each beat, compressed, and the loudest of them."""
    near = np.rint(onsets * _QUARTERS).astype(int)
    inside = (near >= 0) & (near < count * _QUARTERS)
    many, loud = np.zeros(count * _QUARTERS), np.zeros(count * _QUARTERS)
    np.add.at(many, near[inside], 1)
    np.maximum.at(loud, near[inside], notes["velocity"][inside] / _LOUD)
    return np.log1p(many).reshape(count, -1), loud.reshape(count, -1)


def _outermost(notes: np.ndarray, onsets: np.ndarray, count: int) -> np.ndarray:
    """Whether notes begin on each beat, the highest and the lowest in octaves, [beats, 3]."""
    here, beat = _near_beats(onsets, count)
    octaves = (notes["pitch"][here] - notes["pitch"].mean()) / 12
    high, low = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(high, beat, octaves)
    np.minimum.at(low, beat, octaves)
    some = np.isfinite(high)
    return np.column_stack([some, np.where(some, high, 0), np.where(some, low, 0)])


def pitch_classes(
    notes: np.ndarray, onsets: np.ndarray, ends: np.ndarray, count: int
) -> np.ndarray:
    """Chroma [beats, 12]: for what share of each beat each pitch class sounds."""
    found = np.zeros((count, 12))
    ends = np.clip(ends, onsets + _SHORTEST, onsets + _LONGEST)
    for later in range(_LONGEST + 2):
        beat = np.floor(onsets + EARLY).astype(int) + later
        shared = np.minimum(beat + _LATE, ends) - np.maximum(beat - EARLY, onsets)
        heard = (shared > 0) & (beat >= 0) & (beat < count)
        np.add.at(found, (beat[heard], notes["pitch"][heard] % 12), shared[heard])
    return found


def distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine distance between rows; 0 where one of them is silent."""
    size = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.where(size > 1e-6, 1 - (left * right).sum(axis=1) / np.maximum(size, 1e-6), 0.0)


def _likeness(rows: np.ndarray) -> np.ndarray:
    """Cosine of each row and those `_LAGS` before it, [beats, lags]; 0 before the first."""
    unit = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-3)
    found = np.zeros((len(rows), len(_LAGS)))
    for number, lag in enumerate(_LAGS):
        found[lag:, number] = (unit[lag:] * unit[:-lag]).sum(axis=1)
    return found
