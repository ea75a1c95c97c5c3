"""Short-time spectra of sound at any rate, and sound from them again.

A window is a stretch of time, not a number of samples: bin k is then the same frequency at every
rate (within a few parts in a thousand), and a network that knows the bins needs no resampling.
Windows overlap by half and are sines both ways, whose squares sum to one, so that spectra left as
they are give back the sound (Princen and Bradley, 1986).
"""

from __future__ import annotations

import numpy as np


def window_size(rate_hz: int, seconds: float) -> int:
    """Samples of a window of about so many seconds; even, at least 2."""
    return max(2, 2 * round(rate_hz * seconds / 2))


def spectra(sound: np.ndarray, size: int) -> np.ndarray:
    """Spectra of a whole sound, with silence before and after; every sample lies in two frames.

    Args:
        sound: float32 [..., samples]. size: samples of a window.

    Returns:
        complex64 [..., frames, size / 2 + 1]; a full-scale sine is about 0.3.
    """
    hop = size // 2
    after = -sound.shape[-1] % hop + hop
    filled = np.pad(sound, [(0, 0)] * (sound.ndim - 1) + [(hop, after)])
    return spectra_of_hops(filled.reshape(*sound.shape[:-1], -1, hop))


def spectra_of_hops(hops: np.ndarray) -> np.ndarray:
    """Spectra of each two neighbours of float32 [..., hops, size / 2]; one frame less than hops."""
    pairs = np.concatenate([hops[..., :-1, :], hops[..., 1:, :]], axis=-1)
    size = pairs.shape[-1]
    return np.fft.rfft(pairs * _sine(size)) * np.float32(1 / size)


def windows(frames: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """What each frame of spectra adds to sound: first halves and second halves.

    A hop of the sound is the second half of one frame and the first half of the next.

    Args:
        frames: complex [..., frames, bins], scaled as those of `spectra`.

    Returns:
        Two float32 arrays [..., frames, size / 2].
    """
    both = np.fft.irfft(frames, size) * (_sine(size) * np.float32(size))
    return both[..., : size // 2], both[..., size // 2 :]


def sound(frames: np.ndarray, size: int, samples: int) -> np.ndarray:
    """Undo `spectra`: complex [..., frames, bins] to float32 [..., samples]."""
    first, second = windows(frames, size)
    hops = second[..., :-1, :] + first[..., 1:, :]
    result: np.ndarray = hops.reshape(*hops.shape[:-2], -1)[..., :samples]
    return result


def _sine(size: int) -> np.ndarray:
    return np.sin(np.pi * (np.arange(size, dtype=np.float32) + 0.5) / size)
