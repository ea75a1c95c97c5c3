"""Which chord sounds: chords detected from notes, for training and for display.

Time is cut into beats. The notes that sound in a beat are evidence for each of the chord classes of
`ritornello.chords`: how long each pitch class sounds, and what lies lowest. The most likely row of
chords is found by the Viterbi algorithm, in which a change costs, more so off the bar line.

The form is that of Raphael and Stoddard, "Functional harmonic analysis using probabilistic models"
(Computer Music Journal 28:3, 2004), with one chord to a state and figures set by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ritornello.chords import CHORD_CLASSES, NO_CHORD, QUALITIES, ChordChange, chord_of_class
from ritornello.piece import Metre, Piece

# Chance of a pitch class given the chord: of each chord note, and of any other note.
_TONE_WEIGHTS = (1.0, 0.8, 0.75, 0.6)  # root, third (or fourth), fifth, seventh
_OTHER_WEIGHT = 0.08
# Chance of the lowest pitch class given the chord.
_BASS_WEIGHTS = (1.0, 0.2, 0.2, 0.08)
_BASS_OTHER = 0.04
_BASS_SHARE = 1.0  # how much the lowest note counts beside all that sounds
_CHANGE_NATS = 2.0  # cost of a change on a bar line
_OFF_BAR_NATS = 1.5  # and more of it elsewhere
_SILENCE_NATS = 0.8  # for "no chord" in each silent beat
_BASS_LEAST = 0.25  # of a segment a note sounds, to be its bass


class Segments(NamedTuple):
    """The beats of a piece.

    Attributes:
        starts_ticks: int64 [segments], ascending.
        on_bar_line: bool [segments].
        length_ticks: where the last one ends.
    """

    starts_ticks: np.ndarray
    on_bar_line: np.ndarray
    length_ticks: int


def segments(metres: Sequence[Metre], length_ticks: int, resolution: int) -> Segments:
    """The beats of a metre map, `resolution` ticks a quarter; a new metre starts a new bar."""
    starts, lines = [], []
    ends = [*(metre.tick for metre in metres[1:]), length_ticks]
    for metre, end in zip(metres, ends, strict=True):
        bar, beat = metre.bar_ticks(resolution), metre.beat_ticks(resolution)
        bars = np.arange(metre.tick, min(end, length_ticks), bar)
        beats = np.arange(0, bar, beat)
        ticks = (bars[:, None] + beats).ravel()
        inside = ticks < min(end, length_ticks)
        starts.append(ticks[inside])
        lines.append(np.tile(beats == 0, len(bars))[inside])
    return Segments(np.concatenate(starts), np.concatenate(lines), length_ticks)


def detect(
    onsets_ticks: np.ndarray, durations_ticks: np.ndarray, pitches: np.ndarray, beats: Segments
) -> np.ndarray:
    """The chord of each beat.

    Args:
        onsets_ticks, durations_ticks, pitches: int [notes], of pitched parts only, in any order.
        beats: as of `segments`, in the same ticks.

    Returns:
        int64 [segments], chord classes 0 to `NO_CHORD`.
    """
    if not len(pitches) or not len(beats.starts_ticks):
        return np.full(len(beats.starts_ticks), NO_CHORD)
    # Relative to the lowest note, so that moved music has its chords moved, ties included.
    lowest = int(np.min(pitches))
    chroma, bass = _evidence(onsets_ticks, durations_ticks, np.asarray(pitches) - lowest, beats)
    scores = chroma @ _TONES.T + _BASS_SHARE * (bass @ _BASSES.T)
    scores[:, NO_CHORD] += np.where(chroma.any(axis=1), 0.0, _SILENCE_NATS)
    costs = np.where(beats.on_bar_line, _CHANGE_NATS, _CHANGE_NATS + _OFF_BAR_NATS)
    classes = _best_path(scores, costs)
    moved = classes // 12 * 12 + (classes + lowest) % 12
    return np.where(classes == NO_CHORD, NO_CHORD, moved)


def piece_chords(piece: Piece) -> tuple[ChordChange, ...]:
    """The chords of a piece in its own ticks, the first at 0; drums never count."""
    pitched = [track.notes for track in piece.tracks if not track.is_drum and len(track)]
    beats = segments(piece.metres, piece.length_ticks, piece.resolution)
    if not pitched:
        return (ChordChange(0, None),)
    notes = np.concatenate(pitched)
    classes = detect(notes["onset"], notes["duration"], notes["pitch"], beats)
    changes = np.flatnonzero(np.diff(classes, prepend=-1))
    return tuple(
        ChordChange(int(beats.starts_ticks[index]), chord_of_class(int(classes[index])))
        for index in changes
    )


def _evidence(
    onsets: np.ndarray, durations: np.ndarray, pitches: np.ndarray, beats: Segments
) -> tuple[np.ndarray, np.ndarray]:
    """How much each pitch class sounds in each beat, and in the bass; float [segments, 12] each."""
    starts, count = beats.starts_ticks, len(beats.starts_ticks)
    ends = np.append(starts[1:], beats.length_ticks)
    first = np.maximum(np.searchsorted(starts, onsets, side="right") - 1, 0)
    last = np.searchsorted(starts, onsets + durations, side="left")
    spans = np.maximum(last - first, 0)
    note = np.repeat(np.arange(len(onsets)), spans)
    beat = np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans) + first[note]
    ticks = np.minimum(onsets[note] + durations[note], ends[beat])
    ticks = ticks - np.maximum(onsets[note], starts[beat])
    share = np.clip(ticks / (ends - starts)[beat], 0.0, 1.0)
    pitch = pitches[note]
    chroma = np.bincount(beat * 12 + pitch % 12, share, count * 12).reshape(count, 12)
    deep = share >= _BASS_LEAST
    floor = np.full(count, 256)
    np.minimum.at(floor, beat[deep], pitch[deep])
    bass = np.zeros((count, 12))
    heard = np.flatnonzero(floor < 256)
    bass[heard, floor[heard] % 12] = 1.0
    # Four notes say four times what one says, but doubling them by forty strings says no more.
    total = chroma.sum(axis=1, keepdims=True)
    return chroma / np.maximum(total, 1e-9) * np.minimum(total, 4.0), bass


def _log_chances(weights: tuple[float, ...], other: float) -> np.ndarray:
    """Log chance of each pitch class given each chord class and none; float [classes, 12]."""
    chances = np.full((CHORD_CLASSES + 1, 12), other)
    for quality, steps in enumerate(QUALITIES.values()):
        for root in range(12):
            for step, weight in zip(steps, weights, strict=False):
                chances[quality * 12 + root, (root + step) % 12] = weight
    chances[NO_CHORD] = 1.0
    return np.log(chances / chances.sum(axis=1, keepdims=True))


_TONES = _log_chances(_TONE_WEIGHTS, _OTHER_WEIGHT)
_BASSES = _log_chances(_BASS_WEIGHTS, _BASS_OTHER)


def _best_path(scores: np.ndarray, change_costs: np.ndarray) -> np.ndarray:
    """The row of states with the highest sum of scores less the costs of its changes.

    All changes at one time cost the same, so the best way to change comes from the best state.

    Args:
        scores: float [times, states]. change_costs: float [times], of changing before that time.
    """
    count = len(scores)
    came_from = np.empty(count, np.int64)
    stays = np.empty(scores.shape, bool)
    value = scores[0]
    for time in range(1, count):
        came_from[time] = best = value.argmax()
        changed = value[best] - change_costs[time]
        np.greater_equal(value, changed, out=stays[time])
        value = np.maximum(value, changed) + scores[time]
    path = np.empty(count, np.int64)
    path[-1] = state = int(value.argmax())
    for time in range(count - 1, 0, -1):
        if not stays[time, state]:
            state = int(came_from[time])
        path[time - 1] = state
    return path
