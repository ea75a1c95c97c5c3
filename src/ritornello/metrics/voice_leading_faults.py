"""Faults of voice leading in music for single voices, counted per 100 chords.

Music is cut wherever any voice begins a note; a chord is what sounds there, if it differs from the
chord before. So repeated notes make no chords, and music on a grid is judged like notated music.
Faults are looked for in each chord and between each chord and the next, between each pair of
voices. Parallels that a passing note hides, or that a rest parts, are not faults here; those over
the end of a phrase are.

Source of the rules and ranges: Kostka and Payne, "Tonal Harmony", chapters on part writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from ritornello.errors import InputError
from ritornello.music.piece import Track

REST = -1
SATB_RANGES = ((60, 79), (55, 72), (48, 67), (40, 60))
_FIFTH, _OCTAVE = 7, 12
_STEP_SEMITONES = 2


def chords(voices: Sequence[Track]) -> np.ndarray:
    """The pitches that sound at each onset of any voice.

    Args:
        voices: highest first. Of several notes of a voice the one begun last counts, and of those
            the highest.

    Returns:
        Pitches, int [chords, voices]; `REST` where a voice is silent.
    """
    onsets = [voice.notes["onset"] for voice in voices]
    ticks = np.unique(np.concatenate(onsets)) if onsets else np.zeros(0, np.int64)
    return sounding(voices, ticks)


def sounding(voices: Sequence[Track], ticks: np.ndarray) -> np.ndarray:
    """Pitches that sound at each tick, int [ticks, voices]; otherwise as `chords`."""
    found = np.full((len(ticks), len(voices)), REST)
    for column, voice in enumerate(voices):
        notes = voice.notes
        last = np.searchsorted(notes["onset"], ticks, side="right") - 1
        begun = last >= 0
        begun[begun] = (notes["onset"] + notes["duration"])[last[begun]] > ticks[begun]
        found[begun, column] = notes["pitch"][last[begun]]
    return found


def faults(rows: np.ndarray, ranges: Sequence[tuple[int, int]] | None = None) -> dict[str, int]:
    """Count the faults of a piece.

    Args:
        rows: of `chords`, or of a grid, int [rows, voices], highest voice first. Rows equal to the
            row before them are part of its chord.
        ranges: lowest and highest pitch of each voice, such as `SATB_RANGES`; None leaves ranges
            unjudged.

    Returns:
        The number of ``chords``, and of

        - ``parallel_fifths``, ``parallel_octaves``: two voices move from a perfect fifth to a
          perfect fifth, or from an octave or unison to one, whole octaves added or not, in the
          same direction or in opposite ones;
        - ``direct_fifths_octaves``: the outer voices move in the same direction from another
          interval into a perfect fifth, octave or unison, the higher one by more than a step;
        - ``crossings``: pairs of voices of a chord of which the lower one is above the higher one;
        - ``wide_spacings``: neighbours other than the two lowest voices, over an octave apart;
        - ``out_of_range``: notes of chords outside their voice's range; only with ``ranges``.

    Raises:
        InputError: if there are fewer than two voices, or not as many ``ranges`` as voices.
    """
    rows = np.asarray(rows, np.int64)
    voices = rows.shape[1]
    if voices < 2:
        raise InputError(f"Voices are led beside each other; found {voices}, expected 2 or more.")
    if ranges is not None and len(ranges) != voices:
        raise InputError(f"Each voice has one range; found {len(ranges)} for {voices} voices.")
    repeats = np.zeros(len(rows), bool)
    repeats[1:] = (rows[1:] == rows[:-1]).all(axis=1)
    rows = rows[~repeats]
    pairs = [*combinations(range(voices), 2)]
    higher, lower = (rows[:, list(column)] for column in zip(*pairs, strict=True))
    both = (higher != REST) & (lower != REST)
    outer = pairs.index((0, voices - 1))
    upper, under = rows[:, :-2], rows[:, 1:-1]
    found = {
        "chords": int((rows != REST).any(axis=1).sum()),
        "parallel_fifths": int(_parallels(higher, lower, both, _FIFTH).sum()),
        "parallel_octaves": int(_parallels(higher, lower, both, 0).sum()),
        "direct_fifths_octaves": int(
            _direct(higher[:, outer], lower[:, outer], both[:, outer]).sum()
        ),
        "crossings": int((both & (lower > higher)).sum()),
        "wide_spacings": int(((upper != REST) & (under != REST) & (upper - under > _OCTAVE)).sum()),
    }
    if ranges is not None:
        low, high = np.array(ranges).T
        found["out_of_range"] = int(((rows != REST) & ((rows < low) | (rows > high))).sum())
    return found


def per_100_chords(counts: Iterable[Mapping[str, int]]) -> dict[str, float]:
    """Rates over all chords of some pieces.

    Args:
        counts: `faults` of each piece, all judged alike.

    Returns:
        ``chords``, then each fault per 100 chords; nan without chords.
    """
    counts = [*counts]
    total = sum(piece["chords"] for piece in counts)
    names = [name for name in (counts[0] if counts else ()) if name != "chords"]
    sums = {name: sum(piece[name] for piece in counts) for name in names}
    rates = {name: 100 * number / total if total else np.nan for name, number in sums.items()}
    return {"chords": total, **rates}


def _parallels(higher: np.ndarray, lower: np.ndarray, both: np.ndarray, size: int) -> np.ndarray:
    """Whether a pair keeps an interval while both voices move, bool [chords - 1, pairs]."""
    perfect = both & (np.abs(higher - lower) % _OCTAVE == size)
    moves = (np.diff(higher, axis=0) != 0) & (np.diff(lower, axis=0) != 0)
    result: np.ndarray = moves & perfect[1:] & perfect[:-1]
    return result


def _direct(higher: np.ndarray, lower: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Whether the outer voices leap directly into a perfect interval, bool [chords - 1]."""
    sizes = np.abs(higher - lower) % _OCTAVE
    perfect = both & ((sizes == _FIFTH) | (sizes == 0))
    rise, other = np.diff(higher), np.diff(lower)
    into = perfect[1:] & both[:-1] & (sizes[1:] != sizes[:-1])
    result: np.ndarray = into & (rise * other > 0) & (np.abs(rise) > _STEP_SEMITONES)
    return result
