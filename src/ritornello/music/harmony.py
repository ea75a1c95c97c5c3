"""Which chord sounds: chords detected from notes, for training and for display.

Time is cut into beats. The notes that sound in a beat are evidence for each of the chord classes of
`music.chords`: how long each pitch class sounds, what lies lowest, and how well the chord's
notes fit all the music given. The most likely row of chords is found by the Viterbi algorithm, in
which a change costs least on a bar line, more in the middle of a bar and most elsewhere.

The form is that of Raphael and Stoddard, "Functional harmonic analysis using probabilistic models"
(Computer Music Journal 28:3, 2004), with a state for each chord. The figures below are the best of
a coordinate search on lead sheets, on arrangements of them and on piano arrangements of songs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ritornello.music.chords import (
    CHORD_CLASSES,
    NO_CHORD,
    QUALITIES,
    Chord,
    ChordChange,
    chord_of_class,
)
from ritornello.music.keys import estimate_key, pitch_class_weights
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece

# Relative chance of a pitch class given the chord: root, third or fourth, fifth, seventh; others.
_TONE_WEIGHTS, _OTHER_TONE = (1.0, 0.7, 1.0, 0.4), 0.09
# Relative chance that it is the lowest.
_BASS_WEIGHTS, _OTHER_BASS = (1.0, 0.16, 0.19, 0.12), 0.055
_BASS_LEAST = 0.25  # share of the beat a note sounds, to be its bass
_MOST_NOTES = 8.0  # sounding at a time; what more notes say is not counted
_KEY_SHARE = 0.6  # how much it counts that a chord's notes are common in all the music given
# What a beat of a chord has against it, in nats, because it is rarer than others.
_RARITY_NATS = {
    "maj7": 0.7, "min7": 0.4, "dim": 0.5, "m7b5": 0.6, "dim7": 0.3, "aug": 0.9, "sus4": 0.6,
}  # fmt: skip
_NO_CHORD_NATS = 2.0  # against no chord while something sounds
_SILENCE_NATS = 0.8  # for no chord in a silent beat
BAR_LINE, MID_BAR, OTHER_BEAT = range(3)
_CHANGE_NATS = np.array([1.2, 2.0, 3.5])  # cost of a change at each of these


class Segments(NamedTuple):
    """The beats of a piece.

    Attributes:
        starts_ticks: int64 [segments], ascending.
        places: int64 [segments], each `BAR_LINE`, `MID_BAR` or `OTHER_BEAT`.
        length_ticks: where the last one ends.
    """

    starts_ticks: np.ndarray
    places: np.ndarray
    length_ticks: int

    @property
    def on_bar_line(self) -> np.ndarray:
        """bool [segments]."""
        result: np.ndarray = self.places == BAR_LINE
        return result


def segments(metres: Sequence[Metre], length_ticks: int, resolution: int) -> Segments:
    """The beats of a metre map; a new metre starts a new bar.

    Args:
        metres: sorted, the first at tick 0.
        length_ticks: where the music ends.
        resolution: ticks a quarter note.
    """
    starts, places = [], []
    ends = [*(metre.tick for metre in metres[1:]), length_ticks]
    for metre, end in zip(metres, ends, strict=True):
        bar, beat = metre.bar_ticks(resolution), metre.beat_ticks(resolution)
        bars = np.arange(metre.tick, min(end, length_ticks), bar)
        beats = np.arange(0, bar, beat)
        ticks = (bars[:, None] + beats).ravel()
        inside = ticks < min(end, length_ticks)
        starts.append(ticks[inside])
        place = np.where(beats == 0, BAR_LINE, np.where(beats * 2 == bar, MID_BAR, OTHER_BEAT))
        places.append(np.tile(place, len(bars))[inside])
    return Segments(np.concatenate(starts), np.concatenate(places), length_ticks)


def detect(
    onsets_ticks: np.ndarray, durations_ticks: np.ndarray, pitches: np.ndarray, beats: Segments
) -> np.ndarray:
    """The chord of each beat.

    Music moved by some semitones has its chords moved by them, whatever the music.

    Args:
        onsets_ticks, durations_ticks, pitches: int [notes], of pitched parts only, in any order.
        beats: as of `segments`, in the same ticks.

    Returns:
        int64 [segments], chord classes 0 to `NO_CHORD`.
    """
    if not len(pitches) or not len(beats.starts_ticks):
        return np.full(len(beats.starts_ticks), NO_CHORD)
    lowest = int(np.min(pitches))  # all is relative to it, so that ties are moved too
    chroma, bass = _evidence(onsets_ticks, durations_ticks, np.asarray(pitches) - lowest, beats)
    path = _best_path(_scores(chroma, bass), _CHANGE_NATS[beats.places])
    return np.where(path == NO_CHORD, NO_CHORD, path // 12 * 12 + (path + lowest) % 12)


def piece_chords(piece: Piece) -> tuple[ChordChange, ...]:
    """The chords of a piece in its own ticks, none if it is empty; drums never count.

    They are written as the key of the piece spells them: the one stated at its start, or else the
    likeliest.
    """
    pitched = [track.notes for track in piece.tracks if not track.is_drum]
    notes = np.concatenate(pitched or [note_table([])])
    beats = segments(piece.metres, piece.length_ticks, piece.resolution)
    classes = detect(notes["onset"], notes["duration"], notes["pitch"], beats)
    weights = pitch_class_weights(notes["pitch"], notes["duration"])
    key = piece.keys[0].key if piece.keys else estimate_key(weights)
    found = []
    for index in np.flatnonzero(np.diff(classes, prepend=-1)):
        chord = chord_of_class(int(classes[index]))
        if chord is not None:
            chord = replace(chord, written=chord.symbol_in(key))
        found.append(ChordChange(int(beats.starts_ticks[index]), chord))
    return tuple(found)


def timed_chords(piece: Piece) -> tuple[tuple[float, Chord | None], ...]:
    """The chords of a piece, each with the seconds at which it begins; None where none sounds."""
    changes = piece_chords(piece)
    starts = piece.ticks_to_seconds(np.array([change.tick for change in changes], np.int64))
    return tuple(zip(starts.tolist(), (change.chord for change in changes), strict=True))


def _evidence(
    onsets: np.ndarray, durations: np.ndarray, pitches: np.ndarray, beats: Segments
) -> tuple[np.ndarray, np.ndarray]:
    """What sounds in each beat.

    Returns:
        chroma: float [segments, 12], notes of each pitch class, a note through the beat being 1.
        bass: float [segments, 12], 1 at the lowest; less where little more than one note sounds
            at a time, since a melody alone has no bass.
    """
    starts, count = beats.starts_ticks, len(beats.starts_ticks)
    ends = np.append(starts[1:], beats.length_ticks)
    first = np.maximum(np.searchsorted(starts, onsets, side="right") - 1, 0)
    spans = np.searchsorted(starts, onsets + durations, side="left") - first
    # One row for each note in each beat in which it sounds.
    note = np.repeat(np.arange(len(onsets)), spans)
    beat = np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans) + first[note]
    until = np.minimum(onsets[note] + durations[note], ends[beat])
    ticks = np.maximum(until - np.maximum(onsets[note], starts[beat]), 0)
    share, pitch = ticks / (ends - starts)[beat], pitches[note]
    chroma = np.bincount(beat * 12 + pitch % 12, share, count * 12).reshape(count, 12)
    lowest = np.full(count, 128)
    long = share >= _BASS_LEAST
    np.minimum.at(lowest, beat[long], pitch[long])
    heard = np.flatnonzero(lowest < 128)
    bass = np.zeros((count, 12))
    bass[heard, lowest[heard] % 12] = np.clip(chroma[heard].sum(axis=1) - 1, 0, 1)
    return chroma, bass


def _scores(chroma: np.ndarray, bass: np.ndarray) -> np.ndarray:
    """How likely each chord class makes what sounds in each beat; float [segments, classes]."""
    total = chroma.sum(axis=1, keepdims=True)
    profile = chroma.sum(axis=0) / max(float(total.sum()), 1e-9)
    fits = _KEY_SHARE * np.exp(_TONES) @ np.log(profile + 0.02) - _RARITY
    counted = chroma * np.minimum(1, _MOST_NOTES / np.maximum(total, 1e-9))
    scores = counted @ _TONES.T + bass @ _BASSES.T + np.where(total > 0, fits, 0)
    scores[total[:, 0] == 0, NO_CHORD] += _SILENCE_NATS
    result: np.ndarray = scores
    return result


def _log_chances(weights: tuple[float, ...], other: float) -> np.ndarray:
    """Log chance of each pitch class given each chord class and none; float [classes, 12]."""
    chances = np.full((CHORD_CLASSES + 1, 12), other)
    for quality, steps in enumerate(QUALITIES.values()):
        for root in range(12):
            for step, weight in zip(steps, weights, strict=False):
                chances[quality * 12 + root, (root + step) % 12] = weight
    chances[NO_CHORD] = 1.0
    result: np.ndarray = np.log(chances / chances.sum(axis=1, keepdims=True))
    return result


_TONES = _log_chances(_TONE_WEIGHTS, _OTHER_TONE)
_BASSES = _log_chances(_BASS_WEIGHTS, _OTHER_BASS)
_RARITY = np.array(
    [_RARITY_NATS.get(quality, 0.0) for quality in QUALITIES for _ in range(12)] + [_NO_CHORD_NATS]
)


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
