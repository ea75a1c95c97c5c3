"""A second opinion on loudness and peaks, by the letter of the standard.

The package measures with one filter in frequency; here are the two biquads of ITU-R BS.1770-5 at
48 kHz, its gates, and its peaks at four times the rate. It shares no code with what it judges.
"""

from __future__ import annotations

import numpy as np
import soxr
from scipy.signal import lfilter, resample_poly

_RATE_HZ = 48_000
_SHELF = (
    [1.53512485958697, -2.69169618940638, 1.19839281085285],
    [1.0, -1.69065929318241, 0.73248077421585],
)
_HIGH_PASS = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
_BLOCK, _HOP = 19_200, 4_800  # 400 ms, overlapping by three quarters


def lufs(samples: np.ndarray, rate_hz: int) -> float:
    """Integrated loudness of one or two channels, [samples, channels]; -inf of silence."""
    sound = soxr.resample(samples.astype(np.float64), rate_hz, _RATE_HZ, quality="VHQ")
    weighted = lfilter(*_HIGH_PASS, lfilter(*_SHELF, sound, axis=0), axis=0)
    energy = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=1))])
    blocks = (energy[_BLOCK:] - energy[:-_BLOCK])[::_HOP] / _BLOCK
    loud = blocks[blocks > _power(-70)]
    if not len(loud):
        return -np.inf
    loud = loud[loud > loud.mean() / 10]
    return float(10 * np.log10(loud.mean()) - 0.691)


def true_peak_db(samples: np.ndarray) -> float:
    """The largest magnitude of [samples, channels], between samples too, in dB of full scale."""
    block, around, highest = 1 << 18, 256, 0.0
    for start in range(0, len(samples), block):
        part = samples[max(0, start - around) : start + block + around].astype(np.float64)
        highest = max(highest, float(np.abs(resample_poly(part, 4, 1, axis=0)).max()))
    return float(20 * np.log10(max(highest, 1e-12)))


def residual_db(whole: np.ndarray, parts: np.ndarray) -> float:
    """How far below a sound the difference to another lies, [samples, channels] both."""
    apart = np.square(whole.astype(np.float64) - parts).sum()
    return float(
        10 * np.log10(max(apart, 1e-30) / max(np.square(whole, dtype=np.float64).sum(), 1e-30))
    )


def _power(loudness: float) -> float:
    return 10 ** ((loudness + 0.691) / 10)
