"""How alike two pieces' pitches are, as cosines: the measure that `hybrid-gru2023` reports, and two
that can tell music from noise.

The cosine of raw MIDI pitches is near 1 for any two pieces: all pitches are positive and most lie
around 60, so that the vectors point the same way whatever they sing. Taken from their means, or as
histograms of pitch classes, they do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ritornello.music.keys import pitch_class_weights


def raw_cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine similarity of two sequences of pitches, note by note, up to the shorter one's end."""
    length = min(len(one), len(other))
    return _cosine(one[:length], other[:length])


def centred_cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The same after each sequence's mean is taken away: 0 for sequences that have no relation."""
    length = min(len(one), len(other))
    return _cosine(one[:length] - one[:length].mean(), other[:length] - other[:length].mean())


def class_cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine similarity of histograms of pitch classes, each without its mean: 1 for the
    same keys and habits, 0 for histograms that have no relation, such as of evenly used classes."""
    counts = [pitch_class_weights(notes.astype(int)) for notes in (one, other)]
    return _cosine(counts[0] - counts[0].mean(), counts[1] - counts[1].mean())


COSINES = {"raw": raw_cosine, "centred": centred_cosine, "pitch classes": class_cosine}


def mean_cosines(ones: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> dict[str, float]:
    """Each of `COSINES`, averaged over all pairs of a piece of one group and one of the other.

    Args:
        ones, others: pitches of pieces, [notes] each, not empty.

    Returns:
        By name; nan where there is no pair.
    """
    if not (ones and others):
        return dict.fromkeys(COSINES, float("nan"))
    return {
        name: float(np.mean([cosine(one, other) for one in ones for other in others]))
        for name, cosine in COSINES.items()
    }


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """0 where one of them is all zeros and so has no direction."""
    one, other = one.astype(float), other.astype(float)
    sizes = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / sizes) if sizes else 0.0
