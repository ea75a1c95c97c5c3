"""Streamed sound to onset and frame activity of each piano key, 86 frames a second.

The network is that of basic-pitch (`note_network`). It reads windows of two seconds. They are laid
so that each ends well inside the next and only their middles are used, which join exactly.

Source: Bittner et al., "A lightweight instrument-agnostic model for polyphonic note transcription
and multipitch estimation", ICASSP 2022.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from ritornello.transcribe.note_network import KEYS, THIRDS, WINDOW_SAMPLES, hear

RATE_HZ = 22_050
FRAME_SAMPLES = 256
LOWEST_KEY = 21
SILENT_DB = -60.0  # a window that never gets louder than this holds no notes
LOWEST_DB = -120.0  # what levels do not go below

_EDGE_FRAMES, _MIDDLE_FRAMES = 15, 142
_HARMONICS = 5
# Low keys need long spectra to be told apart, high ones short ones to be placed in time.
_SPECTRUM_SAMPLES = (4096, 2048)
_FIRST_HIGH_KEY = 60


class Activity(NamedTuple):
    """A stretch of frames: arrays float32 [frames, 88 keys from the lowest of a piano] and contour.

    Attributes:
        onset: 0 to 1, that a note begins.
        sounding: 0 to 1, that a note sounds.
        level_db: of the first harmonics of the key, whoever plays them; 0 is a full-scale sine.
        contour: 0 to 1, that a pitch sounds, [frames, 264 thirds of a semitone], key n in the
            middle of three from 3 n on; a voice does not keep to keys.
    """

    onset: np.ndarray
    sounding: np.ndarray
    level_db: np.ndarray
    contour: np.ndarray

    @classmethod
    def silent(cls, frames: int) -> Activity:
        """Of so many frames in which nothing sounds."""
        nothing = np.zeros((frames, KEYS), np.float32)
        no_pitch = np.zeros((frames, THIRDS * KEYS), np.float32)
        return cls(nothing, nothing, np.full_like(nothing, LOWEST_DB), no_pitch)


def activities(blocks: Iterable[np.ndarray]) -> Iterator[Activity]:
    """Activity of a recording in consecutive excerpts of at most 142 frames.

    Frame n is about the sound at n x 256 samples; there are as many as it takes to reach the end.
    How the sound is cut into blocks makes no difference. Memory does not grow with its length.

    Args:
        blocks: mono float32 at 22,050 Hz, of any sizes.
    """
    buffer = np.zeros(_EDGE_FRAMES * FRAME_SAMPLES, np.float32)
    hop = _MIDDLE_FRAMES * FRAME_SAMPLES
    samples = 0  # read and not yet covered by frames
    for block in blocks:
        samples += len(block)
        buffer = np.concatenate([buffer, block])
        while len(buffer) >= WINDOW_SAMPLES:
            yield _heard(buffer[:WINDOW_SAMPLES], _MIDDLE_FRAMES)
            buffer = buffer[hop:]
            samples -= hop
    while samples > 0:
        window = np.zeros(WINDOW_SAMPLES, np.float32)
        window[: len(buffer)] = buffer[:WINDOW_SAMPLES]
        yield _heard(window, min(_MIDDLE_FRAMES, -(-samples // FRAME_SAMPLES)))
        buffer = buffer[hop:]
        samples -= hop


def _heard(window: np.ndarray, frames: int) -> Activity:
    """The frames of a window that neighbouring windows do not overlap."""
    middle = slice(_EDGE_FRAMES, _EDGE_FRAMES + frames)
    if np.abs(window).max() < 10 ** (SILENT_DB / 20):
        return Activity.silent(frames)
    onset, sounding, contour = hear(window)
    return Activity(onset[middle], sounding[middle], _levels(window, frames), contour[middle])


def _levels(window: np.ndarray, frames: int) -> np.ndarray:
    centres = (np.arange(frames) + _EDGE_FRAMES) * FRAME_SAMPLES
    power = np.empty((frames, KEYS), np.float32)
    split = _FIRST_HIGH_KEY - LOWEST_KEY
    for size, keys in zip(_SPECTRUM_SAMPLES, (slice(0, split), slice(split, KEYS)), strict=True):
        cut = np.lib.stride_tricks.sliding_window_view(window, size)[centres - size // 2]
        bins = _harmonic_bins(size)[:, keys]
        spectrum = np.zeros((frames, len(bins)), np.float32)
        used = slice(0, int(np.flatnonzero(bins.any(axis=1))[-1]) + 1)
        spectrum[:, used] = np.abs(np.fft.rfft(cut * _taper(size))[:, used]) ** 2
        power[:, keys] = spectrum @ bins
    result: np.ndarray = 10 * np.log10(power + np.float32(10 ** (LOWEST_DB / 10)))
    return result


@cache
def _taper(size: int) -> np.ndarray:
    """A Hann window of so many samples, in which a full-scale sine is 1, float32."""
    hann = np.hanning(size + 1)[:size].astype(np.float32)
    return hann * np.float32(4 / size)


@cache
def _harmonic_bins(size: int) -> np.ndarray:
    """Which bins of a spectrum hold the first harmonics of each key, float32 [bins, 88]."""
    keys = np.arange(LOWEST_KEY, LOWEST_KEY + KEYS)
    fundamentals = 440 * 2 ** ((keys - 69) / 12)
    bins = np.arange(size // 2 + 1)[:, None] * RATE_HZ / size
    weights = np.zeros((size // 2 + 1, KEYS), np.float32)
    for harmonic in range(1, _HARMONICS + 1):
        width = np.maximum(0.015 * harmonic * fundamentals, RATE_HZ / size)
        weights[np.abs(bins - harmonic * fundamentals) <= width] = 1
    return weights
