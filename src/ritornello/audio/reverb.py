"""A small room: convolution with decaying noise, the same on every run.

The room is linear, so the rooms of the stems sum to the room of the mix.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_LEVEL_DB = -15.0
_FIRST_ECHO_SECONDS = 0.012
# Lower and upper edge of a band, and the time in which it falls by 60 dB. Below the first edge
# the room is silent, which keeps bass and kick drum clear.
_BANDS = ((180.0, 1200.0, 1.3), (1200.0, 4000.0, 1.0), (4000.0, 9000.0, 0.6))
_LONGEST_SECONDS = 1.4


def add_room(samples: np.ndarray, rate_hz: int) -> None:
    """Add the room to float32 [2, samples], in place and in blocks."""
    room = _impulse_response(rate_hz)
    size = 1 << int(np.ceil(np.log2(4 * room.shape[1])))
    block = size - room.shape[1]
    spectrum = np.fft.rfft(room, size)
    ringing = np.zeros((2, size), np.float32)
    for start in range(0, samples.shape[1], block):
        part = samples[:, start : start + block]
        both = np.fft.irfft(np.fft.rfft(part.mean(axis=0), size) * spectrum, size)
        ringing += both.astype(np.float32)
        part += ringing[:, : part.shape[1]]
        ringing[:, :-block] = ringing[:, block:]
        ringing[:, -block:] = 0


@lru_cache(maxsize=4)
def _impulse_response(rate_hz: int) -> np.ndarray:
    """Decaying noise, different left and right, float32 [2, samples]."""
    count = int(_LONGEST_SECONDS * rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal((2, count)))
    hz = np.fft.rfftfreq(count, 1 / rate_hz)
    seconds = np.arange(count) / rate_hz
    response = np.zeros((2, count))
    for low, high, fall_seconds in _BANDS:
        band = np.fft.irfft(spectrum * ((hz >= low) & (hz < high)), count)
        response += band * 10 ** (-3 * seconds / fall_seconds)
    response[:, seconds < _FIRST_ECHO_SECONDS] = 0
    response *= 10 ** (_LEVEL_DB / 20) / np.sqrt((response**2).sum(axis=1, keepdims=True))
    return response.astype(np.float32)
