"""The way in which a recording is counted, of all that `beat_candidates` finds.

1. Where onsets keep one pulse all along (`pulse`), its even grids are compared, else all ways, by
   the weights of `beat_candidates`.
2. Strong offbeats mislead all of them in part: what slips between beats and offbeats of one tempo
   is of that tempo, and what lies on even beats nearly all along is compared as they are.
3. Even beats are compared with those half a beat later by what tells them apart: harmony changes
   and bars begin on beats, a take begins with one. A logit weighs that, taught by
   `experiments.listening.beat_choice` as the others are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ritornello.transcribe import pulse
from ritornello.transcribe.beat_candidates import (
    Clues,
    Way,
    at_most_within,
    choice,
    describe,
    offbeats,
    ways,
)
from ritornello.transcribe.spectra import FRAME_SECONDS
from ritornello.transcribe.values import ON_BEAT_SECONDS

PHASE_FEATURES = (
    "score", "harmony changes on bars", "notes begin bars", "sound begins bars", "first note",
)  # fmt: skip
# In nats. Of made music most has a step in four or two, nearly all one that is shorter than a beat;
# and it begins on a beat. All its grids are as even as each other, so that how fast people tap
# counts for more: hardly anybody goes beyond 150 a minute (McKinney and Moelants 2006).
_TERNARY_NATS, _NO_STEP_NATS, _NOT_FIRST_NATS = 0.4, 0.7, 1.0
_FAST_BPM, _FAST_NATS_AN_OCTAVE = 150.0, 2.0
_SAME_TEMPO, _NEAR_TEMPO = 0.04, 0.08
_ON_GRID_BEATS, _ON_GRID_SHARE, _SLIPPED_SHARE = 0.1, 0.75, 0.1
_HELD_SHARE = 0.85  # of beats on even ones, that a player alone does not reach
_BEATS_A_BAR = 2, 3, 4


class Counted(NamedTuple):
    """The likeliest way, and all that were compared."""

    way: Way
    compared: list[Way]


def likeliest(clues: Clues, tempo_bpm: float | None = None, is_steady: bool = False) -> Counted:
    """The way that is likeliest by all its features.

    Args:
        tempo_bpm: about, if it is known. is_steady: whether the tempo is known to be the same all
            along.
    """
    weights = choice().weights["weights"]
    grids = _grids(clues, tempo_bpm, _NEAR_TEMPO)
    found = [Way(grid.beats_seconds, True) for grid in grids]
    less = [
        _TERNARY_NATS * (grid.steps % 3 == 0)
        + _NO_STEP_NATS * (grid.steps == 1)
        + _NOT_FIRST_NATS * (clues.first_seconds is not None and not _has_first(way, clues))
        + _FAST_NATS_AN_OCTAVE * max(0.0, float(np.log2(grid.tempo_bpm / _FAST_BPM)))
        for grid, way in zip(grids, found, strict=True)
    ]
    if not found:
        every = ways(clues, tempo_bpm)
        found = [way for way in every if way.is_steady or not is_steady] or every
        less = [0.0] * len(found)
    if len(found) == 1:
        return Counted(found[0], found)
    scores = np.array([float(describe(way, clues) @ weights) for way in found]) - less
    best = found[int(np.argmax(np.round(scores, 6)))]
    even = best if best.is_steady else slipped_from(best, found)
    kept = even
    if even is None:
        even, kept = held_by(best, found), best
    if even is None or kept is None:
        return Counted(best, found)
    other = Way(offbeats(even.beats_seconds), True)
    better = float((describe(even, clues) - describe(other, clues)) @ weights)
    nats = np.array([better, *apart(even, other, clues)]) @ choice().weights["phase"]
    return Counted(kept if round(float(nats), 6) >= 0 else other, found)


def through(clues: Clues, tempo_bpm: float, beat_seconds: float) -> Way | None:
    """The way on the pulse, near a tempo, that has a beat nearest to one that is known, or None
    where there is no pulse of such a tempo."""
    found = _grids(clues, tempo_bpm, _SAME_TEMPO)
    if not found:
        return None

    def away(grid: pulse.Grid) -> float:
        beats = (beat_seconds - float(grid.beats_seconds[0])) * grid.tempo_bpm / 60
        return abs(beats - round(beats))

    return Way(min(found, key=away).beats_seconds, True)


def _grids(clues: Clues, tempo_bpm: float | None, nearness: float) -> list[pulse.Grid]:
    """The even beats on the pulse, of about a tempo if one is known; none without a pulse."""
    made = pulse.find_pulse(clues.onsets)
    found = pulse.grids(made, len(clues.sound) * FRAME_SECONDS) if made else []
    if tempo_bpm is None:
        return found
    return [grid for grid in found if abs(grid.tempo_bpm / tempo_bpm - 1) < nearness]


def slipped_from(way: Way, found: list[Way]) -> Way | None:
    """The even beats of which a way is on the beats for a part and on the offbeats for another."""
    most, even = _SLIPPED_SHARE, None
    for other, on_beats, on_either in _on_even_beats(way, found):
        slipped = min(on_beats, on_either - on_beats)
        if on_either > _ON_GRID_SHARE and slipped > most:
            most, even = slipped, other
    return even


def held_by(way: Way, found: list[Way]) -> Way | None:
    """The even beats on which a way lies nearly all along."""
    most, even = _HELD_SHARE, None
    for other, on_beats, _ in _on_even_beats(way, found):
        if on_beats > most:
            most, even = on_beats, other
    return even


def _on_even_beats(way: Way, found: list[Way]) -> Iterator[tuple[Way, float, float]]:
    """Each of the even ways in the tempo of one, and the shares of its beats that are on their
    beats, and on their beats or offbeats."""
    length = float(np.median(np.diff(way.beats_seconds)))
    for other in found:
        beats = other.beats_seconds
        if not other.is_steady or abs((beats[1] - beats[0]) / length - 1) > _SAME_TEMPO:
            continue
        places = (way.beats_seconds - beats[0]) / (beats[1] - beats[0])
        on_beats = float(np.mean(np.abs(places - np.rint(places)) < _ON_GRID_BEATS))
        halves = 2 * np.abs(places - np.rint(2 * places) / 2)
        yield other, on_beats, float(np.mean(halves < 2 * _ON_GRID_BEATS))


def apart(one: Way, other: Way, clues: Clues) -> np.ndarray:
    """How far `PHASE_FEATURES` but the score speak for one of two ways half a beat apart, [4]."""
    told = np.zeros(0)
    if clues.told is not None:
        told = np.full(len(clues.sound), -4.0)
        at = np.rint(clues.told.times_seconds / FRAME_SECONDS).astype(int)
        told[np.clip(at, 0, len(told) - 1)] = np.clip(clues.told.logits[:, 1], -4, 4)
    regular = [
        _on_bars(values, one.beats_seconds, reach) - _on_bars(values, other.beats_seconds, reach)
        for values, reach in ((clues.slow_harmony, 1), (told, 2), (clues.bars, 1))
    ]
    first = float(_has_first(one, clues)) - float(_has_first(other, clues))
    return np.array([*regular, first])


def _has_first(way: Way, clues: Clues) -> bool:
    """Whether a beat lies where the first note begins, if it is known."""
    if clues.first_seconds is None:
        return False
    return bool(np.abs(way.beats_seconds - clues.first_seconds).min() < ON_BEAT_SECONDS)


def _on_bars(values: np.ndarray, beats_seconds: np.ndarray, reach: int) -> float:
    """How far the beats of the most regular bars exceed all, in the largest values near each."""
    if not len(values):
        return 0.0
    here = at_most_within(values, beats_seconds, reach)
    here = here - here.mean()
    bars = [here[first::count] for count in _BEATS_A_BAR for first in range(count)]
    return max(float(bar.mean()) for bar in bars if len(bar))
