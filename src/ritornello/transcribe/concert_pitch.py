"""How far from A = 440 Hz a recording is tuned, in cents, from the peaks of its spectra.

Each clear peak says how far it lies from the nearest semitone of equal temperament. The deviations
are angles, for 50 cents above is 50 cents below the next, and their mean direction is the tuning;
how much they agree is how sure it is. After Dressler and Streich, "Tuning frequency estimation
using circular statistics" (ISMIR 2007).
"""

from __future__ import annotations

import math

import numpy as np

_LOWEST_HZ, _HIGHEST_HZ = 110.0, 2_500.0
_AGREEMENT = 0.25  # mean length of the directions; random ones are shorter
_FEWEST_PEAKS = 40
_SMALLEST_CENTS = 8.0  # nearer to 440 Hz nothing is gained by retuning


def peak_deviations(power: np.ndarray, peaks: np.ndarray, bin_hz: float, first_bin: int) -> complex:
    """The sum of the directions of spectral peaks, each as long as its amplitude.

    Args:
        power: spectra [frames, bins] of a Hann window.
        peaks: bool [frames, bins], the bins that stand out.
        bin_hz: width of a bin. first_bin: number of the first one.
    """
    inner = peaks[:, 1:-1] & (power[:, 1:-1] >= power[:, :-2]) & (power[:, 1:-1] > power[:, 2:])
    frame, column = np.nonzero(inner)
    left, middle, right = (np.log(power[frame, column + step] + 1e-20) for step in range(3))
    # The logarithm of a Hann window's main lobe is close to a parabola.
    bend = left - 2 * middle + right
    shift = np.where(bend < -1e-9, (left - right) / (2 * np.where(bend < -1e-9, bend, 1)), 0)
    hz = (first_bin + column + 1 + np.clip(shift, -0.5, 0.5)) * bin_hz
    heard = (hz > _LOWEST_HZ) & (hz < _HIGHEST_HZ)
    semitones = 12 * np.log2(hz[heard] / 440)
    return complex((np.exp(middle[heard] / 2) * np.exp(2j * np.pi * semitones)).sum())


def tuning_cents(directions: np.ndarray) -> float:
    """The tuning that spectra agree on, -50 to 50 cents from A = 440 Hz; 0 if they do not.

    Args:
        directions: complex [frames], of `peak_deviations`, one for each spectrum.
    """
    lengths = np.abs(directions)
    sounding = directions[lengths > 0.05 * lengths.max(initial=0.0)]
    if len(sounding) < _FEWEST_PEAKS:
        return 0.0
    # Each spectrum counts alike but for very soft ones, so that no loud note decides alone.
    mean = complex((sounding / np.sqrt(np.abs(sounding))).sum())
    agreement = abs(mean) / float(np.sqrt(np.abs(sounding)).sum())
    cents = 100 * math.atan2(mean.imag, mean.real) / (2 * math.pi)
    return cents if agreement > _AGREEMENT and abs(cents) >= _SMALLEST_CENTS else 0.0
