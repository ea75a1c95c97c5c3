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


class Room:
    """The room around a sound that comes in blocks.

    Attributes:
        block: most samples that may come at once.
    """

    def __init__(self, rate_hz: int) -> None:
        room = impulse_response(rate_hz)
        self._size = 1 << int(np.ceil(np.log2(4 * room.shape[1])))
        self.block = self._size - room.shape[1]
        self._spectrum = np.fft.rfft(room, self._size)
        self._ringing = np.zeros((2, self._size), np.float32)

    def add(self, part: np.ndarray) -> None:
        """Add the room to the next samples, float32 [2, at most `block`], in place."""
        count, ringing = part.shape[1], self._ringing
        spectrum = np.fft.rfft(part.mean(axis=0), self._size) * self._spectrum
        ringing += np.fft.irfft(spectrum, self._size).astype(np.float32)
        part += ringing[:, :count]
        ringing[:, :-count] = ringing[:, count:]
        ringing[:, -count:] = 0


def add_room(samples: np.ndarray, rate_hz: int) -> None:
    """Add the room to float32 [2, samples], in place and in blocks."""
    room = Room(rate_hz)
    for start in range(0, samples.shape[1], room.block):
        room.add(samples[:, start : start + room.block])


@lru_cache(maxsize=4)
def impulse_response(
    rate_hz: int,
    *,
    channels: int = 2,
    size: float = 1.0,
    level_db: float = _LEVEL_DB,
    seed: int = 1,
) -> np.ndarray:
    """Decaying noise, different for each channel, float32 [channels, samples].

    Args:
        size: stretches the time in which the echoes die away; 1 takes up to 1.4 seconds.
        level_db: energy of the echoes of a click against that of the click.
        seed: of the noise.
    """
    count = max(1, int(_LONGEST_SECONDS * size * rate_hz))
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((channels, count)))
    hz = np.fft.rfftfreq(count, 1 / rate_hz)
    seconds = np.arange(count) / rate_hz
    response = np.zeros((channels, count))
    for low, high, fall_seconds in _BANDS:
        band = np.fft.irfft(spectrum * ((hz >= low) & (hz < high)), count)
        response += band * 10 ** (-3 * seconds / (fall_seconds * size))
    response[:, seconds < _FIRST_ECHO_SECONDS] = 0
    energy = (response**2).sum(axis=1, keepdims=True)
    response *= 10 ** (level_db / 20) / np.sqrt(np.maximum(energy, np.finfo(float).tiny))
    return response.astype(np.float32)
