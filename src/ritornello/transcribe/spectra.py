"""Streamed sound to the log-mel bands that the beat network reads, 50 frames a second.

Two windows over the same instants: a short one (46 ms) says when something is struck, a long one
(186 ms) which semitones sound, so that a change of chord is heard where nothing is struck.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

RATE_HZ = 22_050
HOP = 441
FRAME_SECONDS = HOP / RATE_HZ
_SHORT, _LONG = 1024, 4096
SHORT_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 32, 30.0, 10_000.0
_SEMITONES, _LOWEST_PITCH = 60, 36
BANDS = SHORT_BANDS + _SEMITONES
FLOOR = -5.0  # in log10 of full scale
_FRAMES_AT_ONCE = 512


def log_bands(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Log-mel bands of a recording in blocks.

    Args:
        blocks: mono float32 at `RATE_HZ`, of any lengths; where they are cut changes nothing.

    Yields:
        float32 [frames, BANDS]: log10 of the amplitude, at least `FLOOR`; the first
        `SHORT_BANDS` equally wide for the ear, then semitones from C2. Frame ``t`` is centred on
        ``t * FRAME_SECONDS``; there are as many as begin within the recording.
    """
    half = _LONG // 2
    waiting = np.zeros(half, np.float32)
    samples = frames = 0
    for block in blocks:
        samples += len(block)
        waiting = np.concatenate([waiting, np.asarray(block, np.float32)])
        while (count := min((len(waiting) - _LONG) // HOP + 1, _FRAMES_AT_ONCE)) > 0:
            yield _frames(waiting, count)
            waiting, frames = waiting[count * HOP :], frames + count
    left = -(-samples // HOP) - frames
    waiting = np.concatenate([waiting, np.zeros(half + HOP, np.float32)])
    while left > 0:
        count = min(left, _FRAMES_AT_ONCE)
        yield _frames(waiting, count)
        waiting, left = waiting[count * HOP :], left - count


def _frames(samples: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` frames of samples that begin half a long window before them."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _LONG)[::HOP][:count]
    middle = slice((_LONG - _SHORT) // 2, (_LONG + _SHORT) // 2)
    bands = [
        np.abs(np.fft.rfft(part * _window(part.shape[1]))) @ filters()
        for part, filters in ((windows[:, middle], _short_filters), (windows, _long_filters))
    ]
    return np.maximum(np.log10(np.concatenate(bands, axis=1) + 1e-9), FLOOR).astype(np.float32)


@cache
def _window(size: int) -> np.ndarray:
    """Hann, scaled so that a sine of full scale is 1 at its frequency; float32 [size]."""
    window = np.hanning(size + 1)[:-1]
    result: np.ndarray = (2 * window / window.sum()).astype(np.float32)
    return result


@cache
def _short_filters() -> np.ndarray:
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (_LOWEST_HZ, _HIGHEST_HZ))  # mel
    mels = np.linspace(low, high, SHORT_BANDS + 2)
    return _triangles(700 * (10 ** (mels / 2595) - 1), _SHORT)


@cache
def _long_filters() -> np.ndarray:
    pitches = _LOWEST_PITCH - 1 + np.arange(_SEMITONES + 2)
    return _triangles(440 * 2 ** ((pitches - 69) / 12), _LONG)


def _triangles(edges_hz: np.ndarray, size: int) -> np.ndarray:
    """Weights [bins, bands]: each band rises from one edge to the next and falls to the one after.

    Where bins are too far apart to lie in a band, it is as wide as a bin.
    """
    bins = np.arange(size // 2 + 1)[:, None]
    edges = edges_hz * size / RATE_HZ
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - low) / (middle - low)
    falling = (high - bins) / (high - middle)
    inside = np.minimum(rising, falling)
    nearest = 1 - np.abs(bins - middle)
    result: np.ndarray = np.maximum(np.maximum(inside, nearest), 0).astype(np.float32)
    return result
