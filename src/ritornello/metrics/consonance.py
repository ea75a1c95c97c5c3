"""Whether composed notes go with given ones: chord notes, and dissonance on the beat.

Each figure stands beside two of chance: the composed notes against given notes of other bars of
the same piece, and transposed against the same ones. What a pair of pieces owes to its key shows
in the first, what any pair of pieces has in the second; the rest is that one listened to the other.

Drums count nowhere. Sources: chord tones as in Yeh et al., "Automatic melody harmonization with
triad chords: a comparative study" (2021), with all that sounds or the detected chord in place of
a chord symbol; consonance of interval classes as in Huron, "Interval-class content in equally
tempered pitch-class sets" (Music Perception 11:3, 1994).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.music.chords import ChordChange
from ritornello.music.harmony import piece_chords, segments
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece

_RESOLUTION = 24
# Huron's consonance of the interval classes 1 to 6: he gives none for unisons and octaves.
_CONSONANCE = np.array([-1.428, -0.582, 0.594, 0.386, 1.240, -0.453])
_CLASSES = np.arange(12)
_APART = np.abs(_CLASSES[:, None] - _CLASSES)
_INTERVAL_CLASSES = np.minimum(_APART, 12 - _APART)
_SHIFTS = 7


class Agreement(NamedTuple):
    """How composed notes of pitched parts go with given ones; nan where nothing can be judged.

    notes_sounding: share of composed notes whose pitch class sounds in the given notes as they
        begin; of those that begin while any given note sounds.
    time_sounding: share of the time of composed notes in which their pitch class sounds in the
        given ones; of the time in which any given note sounds.
    notes_in_chord, time_in_chord: the same of the chord of the beat, detected in the given notes
        alone; where there is one.
    dissonance: share of semitones, whole tones and tritones, sevenths and compounds among all
        pairs of a composed and a given note that sound on a beat: the intervals that Huron's
        index has below 0.
    consonance: Huron's index of those pairs, on average, unisons and octaves left out: -1.428 for
        a semitone to 1.240 for a fifth.
    """

    notes_sounding: float
    time_sounding: float
    notes_in_chord: float
    time_in_chord: float
    dissonance: float
    consonance: float


class _GivenSide(NamedTuple):
    """The given side: how many notes sound, and which belong to the chord, [ticks, 12] each."""

    sounding: np.ndarray
    in_chord: np.ndarray
    beats_ticks: np.ndarray
    bars_ticks: np.ndarray


class _ComposedSide(NamedTuple):
    """The composed side: how many notes sound, and how many begin, [ticks, 12]."""

    sounding: np.ndarray
    begun: np.ndarray


def agreement(given: Piece, composed: Piece) -> Agreement:
    """Measure one arrangement, at 24 ticks a quarter.

    Args:
        given: notes, and the metre of both. composed: notes; its metre does not count.
    """
    length = _length_ticks(given, composed)
    return _compare(_heard(given, length), _written(composed, length))


def by_chance(given: Piece, composed: Piece, seed: int = 0) -> dict[str, Agreement]:
    """Chance levels of `agreement`: other bars of the piece, and other keys.

    Returns:
        ``other bars``: mean over up to 7 moves of the composed notes by random numbers of bars,
        what leaves the end entering at the beginning; nan in a piece of one bar.
        ``other keys``: mean over the 11 transpositions.
    """
    length = _length_ticks(given, composed)
    heard, written = _heard(given, length), _written(composed, length)
    bars = heard.bars_ticks[1:]
    rng = np.random.default_rng(seed)
    moves = rng.choice(bars, min(_SHIFTS, len(bars)), replace=False)
    return {
        "other bars": _mean(_compare(heard, _moved(written, int(move), 0)) for move in moves),
        "other keys": _mean(_compare(heard, _moved(written, move, 1)) for move in range(1, 12)),
    }


def agreement_table(
    arrangements: Iterable[tuple[Piece, Piece]], seed: int = 0
) -> dict[str, dict[str, float]]:
    """Mean figures of a set, each arrangement counting once, beside those of chance.

    Args:
        arrangements: given and composed notes of each.

    Returns:
        By "as written", "other bars" and "other keys" the fields of `Agreement`; and under
        "arrangements" how many could be judged by each field.

    Raises:
        InputError: if there is no arrangement.
    """
    rows: dict[str, list[Agreement]] = {}
    for number, (given, composed) in enumerate(arrangements):
        found = {"as written": agreement(given, composed)}
        for name, row in (found | by_chance(given, composed, seed + number)).items():
            rows.setdefault(name, []).append(row)
    if not rows:
        raise InputError("There is no arrangement to judge.")
    judged = np.isfinite(np.array(rows["as written"])).sum(axis=0).tolist()
    table = {name: _mean(found)._asdict() for name, found in rows.items()}
    return {**table, "arrangements": dict(zip(Agreement._fields, judged, strict=True))}


def _length_ticks(*pieces: Piece) -> int:
    return max(piece.at_resolution(_RESOLUTION).length_ticks for piece in pieces)


def _pitched(piece: Piece) -> np.ndarray:
    piece = piece.at_resolution(_RESOLUTION)
    tables = [track.notes for track in piece.tracks if not track.is_drum]
    return np.concatenate([np.zeros(0, NOTE_DTYPE), *tables])


def _heard(given: Piece, length_ticks: int) -> _GivenSide:
    given = replace(given.at_resolution(_RESOLUTION), length_ticks=length_ticks)
    changes = [*piece_chords(given), ChordChange(length_ticks, None)]
    in_chord = np.zeros((length_ticks, 12), bool)
    for (tick, chord), (end, _) in pairwise(changes):
        in_chord[tick:end, sorted(chord.pitch_classes if chord else ())] = True
    beats = segments(given.metres, length_ticks, _RESOLUTION).starts_ticks
    sounding = _sounding(_pitched(given), length_ticks)
    return _GivenSide(sounding, in_chord, beats, given.bar_starts_ticks())


def _written(composed: Piece, length_ticks: int) -> _ComposedSide:
    notes = _pitched(composed)
    begun = np.zeros((length_ticks, 12), np.int64)
    np.add.at(begun, (notes["onset"], notes["pitch"] % 12), 1)
    return _ComposedSide(_sounding(notes, length_ticks), begun)


def _sounding(notes: np.ndarray, length_ticks: int) -> np.ndarray:
    """How many notes of each pitch class sound at each tick, int64 [ticks, 12]."""
    change = np.zeros((length_ticks + 1, 12), np.int64)
    np.add.at(change, (notes["onset"], notes["pitch"] % 12), 1)
    np.add.at(change, (notes["onset"] + notes["duration"], notes["pitch"] % 12), -1)
    return np.cumsum(change, axis=0)[:-1]


def _moved(written: _ComposedSide, move: int, axis: int) -> _ComposedSide:
    """Counts rolled by ticks (axis 0) or semitones (axis 1)."""
    return _ComposedSide(*(np.roll(table, move, axis) for table in written))


def _compare(heard: _GivenSide, written: _ComposedSide) -> Agreement:
    sounding = heard.sounding > 0
    ticks = heard.beats_ticks
    pairs = written.sounding[ticks].T @ heard.sounding[ticks]
    sizes = np.bincount(_INTERVAL_CLASSES.ravel(), pairs.ravel(), minlength=7)
    harsh = sizes[1:][_CONSONANCE < 0].sum()
    return Agreement(
        notes_sounding=_share(written.begun, sounding),
        time_sounding=_share(written.sounding, sounding),
        notes_in_chord=_share(written.begun, heard.in_chord),
        time_in_chord=_share(written.sounding, heard.in_chord),
        dissonance=_ratio(harsh, sizes.sum()),
        consonance=_ratio(sizes[1:] @ _CONSONANCE, sizes[1:].sum()),
    )


def _share(counts: np.ndarray, wanted: np.ndarray) -> float:
    """Share of counted notes where ``wanted`` holds, over ticks at which any given note sounds."""
    return _ratio(counts[wanted].sum(), counts[wanted.any(axis=1)].sum())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan


def _mean(rows: Iterable[Agreement]) -> Agreement:
    """Of each field, over the rows in which it could be judged."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    if not columns:
        return Agreement(*[np.nan] * len(Agreement._fields))
    finite = [column[np.isfinite(column)] for column in columns]
    return Agreement(*(float(column.mean()) if len(column) else np.nan for column in finite))
