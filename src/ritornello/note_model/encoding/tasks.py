"""Which notes of a piece are given and which are composed: tasks to train on, drawn at random.

A task says of each event of a piece whether it is given, and which of its fields count in the
likelihood:

    given    none: no note could have been composed before it
    passed   shift and part: it is given, but a note could have been composed before it and was not
    composed all

The END is given where the number of bars is given, the tempi wherever any note is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.music import harmony
from ritornello.note_model.encoding.bar_grid import Grid
from ritornello.note_model.encoding.given import Given
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATION,
    DURATIONS,
    END,
    PART,
    PITCH,
    RESOLUTION,
    REST,
    SIZES,
    TEMPO,
    Encoded,
    is_note,
)
from ritornello.rng import Rng

GIVEN, PASSED, COMPOSED = range(3)
_LONGEST_SPAN_BARS = 8


@dataclass(frozen=True)
class Task:
    """What is given of a piece.

    Attributes:
        known: bool [events], the given events.
        counts: int64 [events], `GIVEN`, `PASSED` or `COMPOSED`.
        closed: bool [parts], the parts that are never composed for.
    """

    known: np.ndarray
    counts: np.ndarray
    closed: np.ndarray


# How often each task is drawn in training. Composing from nothing teaches most.
TASKS: dict[str, float] = {
    "compose": 0.40,
    "arrange": 0.20,
    "harmonise": 0.08,
    "vary": 0.10,
    "fill": 0.12,
    "fill part": 0.10,
}


def task(name: str, encoded: Encoded, rng: Rng, *, end_given: bool) -> Task:
    """One of `TASKS` for a piece; with a single part every one of whole parts is `compose`.

    compose: nothing is given. arrange: some of the parts are, drawn at random, and others not.
    harmonise: the highest part is. vary: all parts but one are. fill: spans of one to eight bars
    are given in turn with gaps of one to eight. fill part: the same, but some parts are given
    throughout.

    Args:
        end_given: whether the number of bars is known where nothing else is given.
    """
    parts = encoded.fields[:, PART]
    players = np.unique(parts[is_note(parts)])
    if name in ("arrange", "harmonise", "vary", "fill part") and len(players) < 2:
        name = "fill" if name == "fill part" else "compose"
    if name == "compose":
        return _whole_parts(encoded, players[:0], end_given=end_given)
    if name == "arrange":
        return _whole_parts(encoded, _some(players, rng))
    if name == "harmonise":
        return _whole_parts(encoded, _highest(encoded, players))
    if name == "vary":
        return _whole_parts(encoded, np.setdiff1d(players, rng.choice(players)))
    kept = _some(players, rng) if name == "fill part" else players[:0]
    return _gaps(encoded, kept, rng)


def draw_task(encoded: Encoded, rng: Rng, *, end_given: bool) -> Task:
    """One of `TASKS` at random."""
    name = str(rng.choice([*TASKS], p=[*TASKS.values()]))
    return task(name, encoded, rng, end_given=end_given)


def counted_fields(counts: np.ndarray) -> np.ndarray:
    """Which fields of events count, bool [..., 5], by how the events count."""
    least = np.array([PASSED] * PITCH + [COMPOSED] * (len(SIZES) - PITCH))
    return counts[..., None] >= least


def look_ahead(encoded: Encoded, task: Task, *, chords: bool) -> Given:
    """What a composer may look ahead at; with ``chords`` also those detected from all notes."""
    ticks = classes = np.zeros(0, np.int64)
    if chords:
        ticks, classes = detected_chords(encoded)
    return Given(encoded.fields[task.known], encoded.onsets_ticks[task.known], ticks, classes)


def detected_chords(encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """Where each detected chord begins, and its class; int64 [chords] each."""
    beats = harmony.segments(encoded.metres, encoded.length_ticks, RESOLUTION)
    fields = encoded.fields
    pitched = is_note(fields[:, PART]) & (fields[:, PITCH] < DRUM_PITCH)
    classes = harmony.detect(
        encoded.onsets_ticks[pitched],
        DURATIONS[fields[pitched, DURATION]],
        fields[pitched, PITCH],
        beats,
    )
    changes = np.diff(classes, prepend=-1) != 0
    return beats.starts_ticks[changes], classes[changes]


def _some(players: np.ndarray, rng: Rng) -> np.ndarray:
    """At least one of them and at most all but one."""
    count = int(rng.integers(1, len(players)))
    return rng.choice(players, count, replace=False)


def _highest(encoded: Encoded, players: np.ndarray) -> np.ndarray:
    """The pitched part of the highest mean pitch."""
    parts, pitches = encoded.fields[:, PART], encoded.fields[:, PITCH]
    means = [pitches[parts == part].mean() for part in players]
    means = [-1.0 if mean >= DRUM_PITCH else mean for mean in means]
    return players[[int(np.argmax(means))]]


def _whole_parts(encoded: Encoded, given: np.ndarray, *, end_given: bool = True) -> Task:
    """Some parts are given from the first bar to the last."""
    parts = encoded.fields[:, PART]
    closed = np.zeros(SIZES[PART], bool)
    closed[given] = True
    closed[TEMPO] = len(given) > 0
    closed[END] = end_given
    known = closed[parts]
    return Task(known, np.where(known, PASSED, COMPOSED), closed)


def _gaps(encoded: Encoded, kept: np.ndarray, rng: Rng) -> Task:
    """Spans of bars are given and gaps left in turn; the kept parts are given throughout."""
    bars = Grid(encoded.metres, encoded.length_ticks).bar_starts
    lengths = rng.integers(1, _LONGEST_SPAN_BARS + 1, len(bars) + 1)
    in_gap = np.repeat(np.arange(len(lengths)) % 2 == rng.integers(2), lengths)[: len(bars)]
    if not in_gap.any():
        in_gap[rng.integers(len(bars))] = True
    parts, onsets = encoded.fields[:, PART], encoded.onsets_ticks
    bar = np.searchsorted(bars, onsets, side="right") - 1
    open_here = in_gap[bar] & (onsets < encoded.length_ticks)
    composed = open_here & is_note(parts) & ~np.isin(parts, kept)
    closed = np.zeros(SIZES[PART], bool)
    closed[[TEMPO, END, *kept.tolist()]] = True
    counts = np.where(_reaches(in_gap, bar, onsets, bars), PASSED, GIVEN)
    counts[composed] = COMPOSED
    return Task(~composed & (parts != REST), counts, closed)


def _reaches(
    in_gap: np.ndarray, bar: np.ndarray, onsets: np.ndarray, bars: np.ndarray
) -> np.ndarray:
    """Whether a tick from the previous event on, up to that of each event, lies in a gap."""
    before = np.concatenate([[0], bar[:-1]])
    gaps = np.concatenate([[0], np.cumsum(in_gap)])
    # The bar of the event itself counts if it is a gap, also at its first tick.
    result: np.ndarray = gaps[bar + 1] > gaps[before]
    return result
