"""A melody in, where its phrases end and a chord for each of its beats out: how it is harmonised.

A phrase ends at a fermata, before a rest of a beat, on a long note, at a comma of the words, and at
the end. The chords are the best row through a chain, found by the Viterbi algorithm: how often one
chord follows another on the beats of hymns, how well the melody fits a chord, and what a phrase may
end with. The last chord is the tonic's.

Source of the form: Allan and Williams, "Harmonising chorales by probabilistic inference" (NIPS
2004), with chords counted from the music in place of theirs, and no hidden voices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ritornello.generation.beat_chords import BeatChords
from ritornello.music import harmony
from ritornello.music.chords import QUALITIES, Chord, chord_class
from ritornello.music.keys import (
    MAJOR_PROFILE,
    MINOR_PROFILE,
    KeyName,
    pitch_class_weights,
)
from ritornello.music.piece import Metre, Piece, Track
from ritornello.note_model.encoding.notes import RESOLUTION
from ritornello.plan.best_path import cheapest_path

# Chords as quality and semitones above the tonic; then how often the chord on a beat (row) is
# followed by that on the next (column), counted in the 249 training hymns of open_hymnal_midi.
_MAJOR = (
    ("maj", 0), ("maj", 7), ("maj", 5), ("min", 9), ("min", 2), ("min", 4), ("maj", 2), ("maj", 9),
    ("maj", 4), ("dim", 11),
)  # fmt: skip
_MAJOR_COUNTS = (
    (2177, 789, 616, 211, 267, 61, 58, 16, 10, 31),
    (868, 836, 97, 183, 75, 50, 74, 15, 7, 3),
    (556, 187, 455, 35, 64, 25, 5, 11, 7, 42),
    (112, 195, 67, 216, 107, 69, 48, 15, 32, 5),
    (202, 171, 40, 71, 172, 35, 5, 57, 31, 23),
    (61, 54, 51, 43, 38, 44, 17, 4, 3, 0),
    (19, 104, 0, 7, 6, 5, 74, 2, 2, 0),
    (7, 14, 6, 15, 47, 4, 14, 64, 8, 0),
    (9, 2, 19, 50, 3, 3, 1, 5, 92, 1),
    (71, 3, 6, 9, 4, 4, 0, 0, 3, 6),
)
_MINOR = (
    ("min", 0), ("maj", 3), ("maj", 7), ("min", 5), ("maj", 8), ("maj", 10), ("min", 7), ("maj", 0),
    ("dim", 2),
)  # fmt: skip
_MINOR_COUNTS = (
    (167, 10, 61, 49, 16, 20, 22, 4, 8),
    (17, 79, 2, 18, 45, 33, 5, 0, 8),
    (65, 0, 76, 2, 11, 0, 4, 3, 0),
    (38, 13, 30, 43, 3, 11, 5, 16, 5),
    (7, 38, 6, 27, 38, 9, 2, 1, 8),
    (14, 51, 2, 1, 4, 28, 3, 0, 0),
    (10, 9, 4, 4, 14, 1, 10, 0, 0),
    (2, 0, 3, 16, 2, 1, 0, 4, 0),
    (14, 5, 5, 1, 0, 0, 0, 1, 4),
)
_SEEN_BEFORE = 0.5  # added to each count
# What a phrase may end with, and what that costs in nats; all else costs more.
_ENDS = {
    False: {("maj", 0): 0.0, ("maj", 7): 0.3, ("min", 9): 1.5, ("maj", 5): 1.5},
    True: {("min", 0): 0.0, ("maj", 7): 0.2, ("maj", 3): 0.4, ("maj", 10): 1.0},
}
_OTHER_END = 3.0
# What leads to the tonic at the end of a phrase, and what that costs.
_LEADING = {("maj", 7): 0.0, ("dim", 11): 0.3, ("maj", 5): 0.8, ("min", 5): 0.8, ("min", 2): 0.8}
_OTHER_LEADING = 1.6
_FOREIGN_NATS, _PASSING_NATS = 3.7, 0.7  # of a note on a beat and between beats, not of the chord
_SEVENTH_NATS = 0.8  # of a melody that sings the seventh of the dominant
_STAY_NATS = 0.5  # of a chord that stays: the best row of chords stays longer than hymns do
_OVER_BAR_LINE_NATS = 0.9  # and of one that stays where a bar begins
_LONG_BEATS, _LONG_TIMES = 2.0, 2.0  # a long note: so many beats, and so many times the usual
_LEAST_PHRASE_BEATS = 4.0  # for long notes and commas to end one
_STOPS = ",.;:!?"
_MODES = (9, "minor"), (2, "dorian")  # of the notes of a major key
_TONIC_BONUS, _TRIAD_BONUS = 0.3, 0.1  # of a key whose tonic, or tonic's triad, the melody ends on


class Melody(NamedTuple):
    """A melody at 24 ticks a quarter.

    Attributes:
        notes: `NOTE_DTYPE`, by onset.
        fermatas, stops: ticks of notes with a fermata, and whose words end in a stop.
    """

    notes: np.ndarray
    fermatas: frozenset[int]
    stops: frozenset[int]

    @classmethod
    def of(cls, heard: Track, written: Track, resolution: int) -> Melody:
        """A melody as a model hears it, with the signs that were written at it."""

        def at(tick: int) -> int:
            return (tick * RESOLUTION + resolution // 2) // resolution

        return cls(
            heard.notes,
            frozenset(at(mark.tick) for mark in written.marks if mark.kind == "fermata"),
            frozenset(
                at(lyric.tick)
                for lyric in written.lyrics
                if lyric.text.strip()[-1:] and lyric.text.strip()[-1] in _STOPS
            ),
        )


@dataclass(frozen=True)
class Harmonisation:
    """What is planned for a melody.

    Attributes:
        phrases: from where to where each sounds, in ticks at 24 a quarter.
        chords: a chord for each beat.
    """

    phrases: tuple[tuple[int, int], ...]
    chords: BeatChords


def plan_harmony(
    melody: Melody,
    metres: tuple[Metre, ...],
    length_ticks: int,
    key: KeyName,
    *,
    ends: bool,
    by_halves: bool = False,
) -> Harmonisation:
    """Phrases and chords of a melody in a key.

    Args:
        metres: the metre map, at 24 ticks a quarter. length_ticks: where the music ends.
        key: major, minor or another scale, which is treated as the one of them that it is like.
        ends: whether the last chord is the tonic's.
        by_halves: whether there is a chord for each half bar, where a beat begins there, and not
            for each beat.
    """
    last_notes = phrase_ends(melody, metres)
    beats = harmony.segments(metres, length_ticks, RESOLUTION)
    if by_halves:
        at = beats.places != harmony.OTHER_BEAT
        beats = beats._replace(starts_ticks=beats.starts_ticks[at], places=beats.places[at])
    notes = melody.notes
    ends_ticks = notes["onset"] + notes["duration"]
    starts = beats.starts_ticks
    used = np.array(
        [bool(((notes["onset"] < end) & (ends_ticks > start)).any())
         for start, end in zip(starts, [*starts[1:], length_ticks], strict=True)], bool
    )  # fmt: skip
    starts, on_bar = starts[used], beats.on_bar_line[used]
    names = _MINOR if key.is_minor else _MAJOR
    costs = _fit(melody.notes, starts, length_ticks, key, names)
    lasts = notes["onset"][last_notes]
    closes = {*(np.searchsorted(starts, lasts, side="right") - 1).tolist()}
    path = _best(costs, on_bar, closes, key, ends=ends)
    classes = [_class(names[state], key) for state in path]
    sung = _sung_on(notes, starts)
    for place, (state, pitch) in enumerate(zip(path, sung, strict=True)):
        quality, step = names[state]
        if (quality, step) == ("maj", 7) and pitch >= 0 and (pitch - key.tonic) % 12 == 5:
            classes[place] = _class(("7", step), key)
    closes |= {*range(max(closes), len(starts))}  # the last note has no other chord
    firm = frozenset(int(starts[place]) for place in closes if place >= 0)
    spans = [(start, min(end, length_ticks)) for start, end in phrase_spans(melody, last_notes)]
    return Harmonisation(
        tuple(span for span in spans if span[0] < span[1]),
        BeatChords(tuple(starts.tolist()), tuple(classes), firm, frozenset(key.pitch_classes)),
    )


def phrase_ends(melody: Melody, metres: tuple[Metre, ...]) -> list[int]:
    """Indices of the notes that end a phrase, ascending; the last note is one."""
    notes = melody.notes
    beat = metres[0].beat_ticks(RESOLUTION)
    usual = float(np.median(notes["duration"]))
    found: list[int] = []
    begun = int(notes["onset"][0])
    for index, (onset, duration) in enumerate(
        zip(notes["onset"].tolist(), notes["duration"].tolist(), strict=True)
    ):
        end = onset + duration
        following = notes["onset"][index + 1] if index + 1 < len(notes) else None
        is_long = duration >= max(_LONG_BEATS * beat, _LONG_TIMES * usual)
        ends = following is None or following - end >= beat or onset in melody.fermatas
        may = is_long or onset in melody.stops
        if ends or (may and end - begun >= _LEAST_PHRASE_BEATS * beat):
            found.append(index)
            begun = end
    return found


def phrase_spans(melody: Melody, last_notes: list[int]) -> tuple[tuple[int, int], ...]:
    """From where to where phrases sound, those that follow at once as one; never overlapping."""
    notes = melody.notes
    spans: list[tuple[int, int]] = []
    first = 0
    for last in last_notes:
        start = int(notes["onset"][first])
        end = int((notes["onset"] + notes["duration"])[first : last + 1].max())
        if spans and start <= spans[-1][1]:
            start, end = spans[-1][0], max(end, spans.pop()[1])
        spans.append((start, end))
        first = last + 1
    return tuple(spans)


def key_of_melody(song: Piece, melody: np.ndarray) -> KeyName:
    """The key of a melody: the stated one or one of its notes, else the likeliest by its notes.

    MIDI files state major keys for music in minor and in Dorian; there the last note tells.
    """
    last = int(melody["pitch"][-1])
    if song.keys:
        stated = song.keys[-1].key
        modes = (KeyName((stated.tonic + step) % 12, scale) for step, scale in _MODES)
        ends_there = (mode for mode in modes if not stated.is_minor and last % 12 == mode.tonic)
        return next(ends_there, stated)
    weights = pitch_class_weights(melody["pitch"], melody["duration"])
    found, best = KeyName(last % 12), -np.inf
    if np.ptp(weights) == 0:
        return found
    for tonic in range(12):
        for scale, profile in (("major", MAJOR_PROFILE), ("minor", MINOR_PROFILE)):
            key = KeyName(tonic, scale)
            score = float(np.corrcoef(np.roll(weights, -tonic), profile)[0, 1])
            triad = {tonic, (tonic + (3 if key.is_minor else 4)) % 12, (tonic + 7) % 12}
            score += _TONIC_BONUS * (last % 12 == tonic) + _TRIAD_BONUS * (last % 12 in triad)
            if score > best:
                found, best = key, score
    return found


def _fit(
    notes: np.ndarray,
    starts: np.ndarray,
    length_ticks: int,
    key: KeyName,
    names: tuple[tuple[str, int], ...],
) -> np.ndarray:
    """What the melody has against each chord on each beat, nats, float64 [beats, chords]."""
    costs = np.zeros((len(starts), len(names)))
    sung = _sung_on(notes, starts)
    stops = np.append(starts[1:], length_ticks)
    for column, (quality, step) in enumerate(names):
        classes = {(key.tonic + step + up) % 12 for up in QUALITIES[quality]}
        seventh = (key.tonic + 5) % 12 if (quality, step) == ("maj", 7) else -1
        for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            if sung[row] >= 0 and sung[row] % 12 not in classes:
                is_seventh = sung[row] % 12 == seventh
                costs[row, column] += _SEVENTH_NATS if is_seventh else _FOREIGN_NATS
            inside = notes["pitch"][(notes["onset"] > start) & (notes["onset"] < stop)] % 12
            costs[row, column] += _PASSING_NATS * (~np.isin(inside, [*classes, seventh])).sum()
    return costs


def _sung_on(notes: np.ndarray, ticks: np.ndarray) -> np.ndarray:
    """The pitch that sounds at each tick, the latest if there are several; -1 for none."""
    found = np.full(len(ticks), -1)
    for place, tick in enumerate(ticks):
        sounds = (notes["onset"] <= tick) & (notes["onset"] + notes["duration"] > tick)
        if sounds.any():
            found[place] = notes["pitch"][sounds][-1]
    return found


def _best(
    costs: np.ndarray, on_bar: np.ndarray, closes: set[int], key: KeyName, *, ends: bool
) -> list[int]:
    """The best chord on each beat, as indices of the chords of the mode."""
    names, counts = (_MINOR, _MINOR_COUNTS) if key.is_minor else (_MAJOR, _MAJOR_COUNTS)
    chain = np.array(counts) + _SEEN_BEFORE
    usual = -np.log(chain / chain.sum(axis=1, keepdims=True)) + _STAY_NATS * np.eye(len(names))
    closing = np.array([_ENDS[key.is_minor].get(name, _OTHER_END) for name in names])
    leading = np.array([_LEADING.get(name, _OTHER_LEADING) for name in names])
    steps = np.tile(usual, (len(costs) - 1, 1, 1))  # to the beat of that number and one
    for place, step in enumerate(steps, 1):
        if on_bar[place]:
            step += _OVER_BAR_LINE_NATS * np.eye(len(names))
        if place in closes:
            step += closing
            step[:, 0] += leading
        if ends and place >= max(closes):  # the last note
            step[:, 1:] = np.inf
    begins = costs.copy()
    begins[0, 1:] += 1.0  # anywhere but on the tonic
    path: list[int] = cheapest_path(begins, steps).tolist()
    return path


def _class(name: tuple[str, int], key: KeyName) -> int:
    """The class of a chord of a key."""
    quality, step = name
    return chord_class(Chord((key.tonic + step) % 12, quality))
