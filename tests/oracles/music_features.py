"""Features of music by their published definitions, note by note: the judge of ours.

Pitches, range, entropy of pitch classes and scale consistency leave drums out (Mogren 2016,
"C-RNN-GAN"; Yang and Lerch 2020, "On the evaluation of generative models in music"); groove
consistency is of Wu and Yang 2020, "The Jazz Transformer on the front line". MusPy 0.5, the usual
library for these, is not kept any more; it gave the same on the pieces of the tests.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from ritornello.music.piece import Note, Piece

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))


def _pitched(piece: Piece) -> list[Note]:
    return [note for track in piece.tracks if not track.is_drum for note in track]


def pitches_used(piece: Piece) -> int:
    return len({note.pitch for note in _pitched(piece)})


def pitch_range(piece: Piece) -> int:
    pitches = [note.pitch for note in _pitched(piece)]
    return max(pitches) - min(pitches)


def pitch_class_entropy(piece: Piece) -> float:
    counts = Counter(note.pitch % 12 for note in _pitched(piece))
    shares = [count / counts.total() for count in counts.values()]
    return -sum(share * math.log2(share) for share in shares)


def scale_consistency(piece: Piece) -> float:
    """Share of the notes in the major or minor scale that has most of them."""
    classes = [note.pitch % 12 for note in _pitched(piece)]
    inside = (
        sum((each - root) % 12 in scale for each in classes)
        for root in range(12)
        for scale in _SCALES
    )
    return max(inside) / len(classes)


def groove_consistency(piece: Piece, bar_ticks: int) -> float:
    """One minus the mean share of ticks at which a bar and the next differ in onsets."""
    bars: list[set[int]] = [set() for _ in range(-(-piece.length_ticks // bar_ticks))]
    for track in piece.tracks:
        for note in track:
            bars[note.onset_ticks // bar_ticks].add(note.onset_ticks % bar_ticks)
    differing = [len(one ^ other) for one, other in pairwise(bars)]
    return 1 - sum(differing) / len(differing) / bar_ticks


def polyphony(piece: Piece) -> float:
    """Mean number of pitches that sound, over the ticks at which any does."""
    sounding: Counter[int] = Counter()
    for _, tick in {
        (note.pitch, tick)
        for note in _pitched(piece)
        for tick in range(note.onset_ticks, note.onset_ticks + note.duration_ticks)
    }:
        sounding[tick] += 1
    return sounding.total() / len(sounding)
