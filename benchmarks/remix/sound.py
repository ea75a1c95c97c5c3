"""What the files of a remix hold: loudness, peaks, lengths, and MIDI and sound that agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr
from benchmarks.remix import meter

from ritornello.audio.files import BLOCK
from ritornello.audio.render import render
from ritornello.piece import Piece
from ritornello.waveform import Waveform

_WINDOW_SECONDS = 8.0
_FURTHEST_SECONDS = 0.03
_CLEAR = 0.5  # a correlation below tells nothing of time
_NEAR_SAMPLES = 32


def levels(mix: Waveform, stems: Mapping[str, Waveform]) -> dict[str, Any]:
    """Of a mix and its stems, by a meter of our own."""
    lengths = {len(stem.samples) for stem in stems.values()} | {len(mix.samples)}
    total = np.zeros((max(lengths), mix.channels), np.float64)
    for stem in stems.values():
        total[: len(stem.samples)] += stem.samples
    longest = np.zeros_like(total)
    longest[: len(mix.samples)] = mix.samples
    return {
        "lufs": meter.lufs(mix.samples, mix.rate_hz),
        "true_peak_db": meter.true_peak_db(mix.samples),
        "stems_to_mix_db": meter.residual_db(longest, total),
        "lengths_apart_samples": max(lengths) - min(lengths),
        "seconds": len(mix.samples) / mix.rate_hz,
        "border_excess_db": border_excess_db(
            mix.samples, np.arange(BLOCK, len(mix.samples), BLOCK), BLOCK
        ),
        "edges_db": max(edges_db(sound) for sound in (mix, *stems.values())),
    }


def midi_lags_ms(stem: Waveform, midi: Piece) -> list[float]:
    """How late a stem sounds after the MIDI beside it, for each window in which that is clear.

    The MIDI is played by itself from 0 seconds and compared with the stem by cross-correlation.
    """
    alone = render(midi, rate_hz=stem.rate_hz)
    left, right = stem.samples.mean(axis=1), alone.samples.mean(axis=1)
    window, furthest = (round(s * stem.rate_hz) for s in (_WINDOW_SECONDS, _FURTHEST_SECONDS))
    found = []
    for start in range(furthest, min(len(left), len(right)) - window - furthest, window):
        reference = right[start : start + window]
        heard = left[start - furthest : start + window + furthest]
        lag, clear = _lag(heard, reference)
        if clear > _CLEAR:
            found.append(float(1000 * (lag - furthest) / stem.rate_hz))
    return found


def take_lag_ms(stem: Waveform, take: Waveform) -> float:
    """How late a recording sounds in its stem; nan where that is not clear."""
    left = stem.samples.mean(axis=1)
    right = soxr.resample(take.samples.mean(axis=1), take.rate_hz, stem.rate_hz)
    furthest = round(_FURTHEST_SECONDS * stem.rate_hz)
    length = min(len(left), len(right)) - 2 * furthest
    lag, clear = _lag(left[: length + 2 * furthest], right[furthest : furthest + length])
    return float(1000 * (lag - furthest) / stem.rate_hz) if clear > _CLEAR else np.nan


def edges_db(sound: Waveform) -> float:
    """The louder of the first and the last sample, in dB of full scale."""
    if not len(sound.samples):
        return -np.inf
    edge = np.abs(sound.samples[[0, -1]]).max()
    return float(20 * np.log10(max(edge, 1e-12)))


def border_excess_db(samples: np.ndarray, borders: np.ndarray, period: int) -> float:
    """How much faster [samples, channels] move at borders than between them.

    Args:
        borders: samples, so many apart: a period.
    """
    if not len(borders):
        return np.nan
    away = np.concatenate([borders + period // 2, borders - period // 4])
    return float(10 * np.log10(movement(samples, borders) / movement(samples, away)))


def movement(samples: np.ndarray, places: np.ndarray) -> float:
    """Mean energy of the second difference of [samples, channels] within 32 samples of places."""
    inside = places[(places > 2 * _NEAR_SAMPLES) & (places < len(samples) - 2 * _NEAR_SAMPLES)]
    at = inside[:, None] + np.arange(-_NEAR_SAMPLES, _NEAR_SAMPLES)
    fast = np.diff(samples[at].astype(np.float64), 2, axis=1)
    return float(np.square(fast).sum(axis=(1, 2)).mean()) + 1e-15 if len(inside) else 1e-15


def _lag(heard: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Where in a longer sound a shorter one fits best, between samples too, and how well."""
    size = 1 << (len(heard) + len(reference) - 1).bit_length()
    spectra = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size))
    fits = np.fft.irfft(spectra, size)[: len(heard) - len(reference) + 1]
    at = int(fits.argmax())
    loud = np.square(reference, dtype=np.float64).sum()
    there = np.square(heard[at : at + len(reference)], dtype=np.float64).sum()
    clear = fits[at] / max(np.sqrt(loud * there), 1e-12)
    if 0 < at < len(fits) - 1:
        before, peak, after = fits[at - 1 : at + 2]
        bend = before - 2 * peak + after
        return at + (0.5 * (before - after) / bend if bend else 0.0), clear
    return float(at), clear
