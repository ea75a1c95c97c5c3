"""What the files of a remix hold: loudness, peaks, lengths, and MIDI and sound that agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr

from experiments.remix import meter
from ritornello.dsp.reverb import Room
from ritornello.dsp.sound_files import BLOCK
from ritornello.dsp.waveform import Waveform
from ritornello.music.piece import Piece
from ritornello.synth.render import render

_WINDOW_SECONDS = 8.0
_FURTHEST_SECONDS = 0.03
_CLEAR = 0.5  # a correlation below tells nothing of time
_NEAR_SAMPLES, _AT_SAMPLES = 32, 2


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
        **borders(mix.samples, mix.rate_hz),
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


def borders(samples: np.ndarray, rate_hz: int) -> dict[str, float]:
    """Clicks of [samples, channels] at borders of the blocks in which it is played and written.

    A click is movement at the border itself; a drum near by moves all around it, and is no click.
    """
    grids = [np.arange(period, len(samples), period) for period in (BLOCK, Room(rate_hz).block)]
    found = np.concatenate([share_at(samples, grid) for grid in grids])
    if not len(found):
        return {"border_excess_db": np.nan, "sharpest_border": 0.0}
    away = [grid - grid[0] * k // 16 for grid in grids if len(grid) for k in range(1, 16)]
    usual = np.concatenate([share_at(samples, places) for places in away])
    return {
        "border_excess_db": float(10 * np.log10(found.mean() / usual.mean())),
        "sharpest_border": float(found.max()),
    }


def share_at(samples: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How much of the movement near each place is within 2 samples of it, [places that sound]."""
    energy = movements(samples, places)
    middle = energy.shape[1] // 2
    all_around = energy.sum(axis=1)
    at_place = energy[:, middle - _AT_SAMPLES : middle + _AT_SAMPLES].sum(axis=1)
    sounding = all_around > 1e-12
    result: np.ndarray = at_place[sounding] / all_around[sounding]
    return result


def movement(samples: np.ndarray, places: np.ndarray) -> float:
    """Mean energy of the second difference of [samples, channels] within 32 samples of places."""
    energy = movements(samples, places)
    return float(energy.sum(axis=1).mean()) + 1e-15 if len(energy) else 1e-15


def movements(samples: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Energy of the second difference at each of 62 samples around places, [places, 62]."""
    inside = places[(places > 2 * _NEAR_SAMPLES) & (places < len(samples) - 2 * _NEAR_SAMPLES)]
    at = inside[:, None] + np.arange(-_NEAR_SAMPLES, _NEAR_SAMPLES)
    fast = np.diff(samples[at].astype(np.float64), 2, axis=1)
    result: np.ndarray = np.square(fast).sum(axis=2)
    return result


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
