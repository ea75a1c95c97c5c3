"""Loudness against the test signals of EBU Tech 3341, peaks against an independent resampler."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from ritornello.dsp import mastering
from ritornello.dsp.mastering import apply_gain, limiter_curve, mastering_gain, measure

RATE = 48_000


def sine(seconds: float, level_db: float, hz: float = 1000.0, rate: int = RATE) -> np.ndarray:
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
    return np.stack([wave, wave]).astype(np.float32)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("level_db", [-23.0, -33.0])
def test_sine_is_as_loud_as_its_level(level_db: float, rate: int) -> None:
    """Cases 1 and 2: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS."""
    levels = measure(sine(20, level_db, rate=rate), rate)
    assert levels.lufs() == pytest.approx(level_db, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(10, -36.0), (60, -23.0), (10, -36.0)],
        [(10, -72.0), (10, -36.0), (60, -23.0), (10, -36.0), (10, -72.0)],
        [(20, -26.0), (20.1, -20.0), (20, -26.0)],
    ],
)
def test_quiet_passages_do_not_count(parts: list[tuple[float, float]]) -> None:
    """Cases 3, 4 and 5: gated loudness of sections of different level is -23 LUFS."""
    sound = np.concatenate([sine(seconds, level) for seconds, level in parts], axis=1)
    assert measure(sound, RATE).lufs() == pytest.approx(-23.0, abs=0.1)


def test_peaks_between_samples_are_seen() -> None:
    """A sine at a quarter of the rate, sampled off its peaks, passes its samples by 3 dB."""
    wave = np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4).astype(np.float32)
    peaks = measure(np.stack([wave, wave]), RATE).peaks[100:-100]
    assert np.abs(wave).max() == pytest.approx(0.7071, abs=1e-3)
    assert peaks.max() == pytest.approx(1.0, abs=0.01)


def test_drum_like_sound_reaches_loudness_with_true_peaks_below_the_limit() -> None:
    rng = np.random.default_rng(5)
    hits = np.zeros(10 * RATE)
    hits[:: RATE // 4] = 1
    noise = rng.standard_normal(9000) * np.exp(-np.arange(9000) / 1500)
    sound = np.convolve(hits, noise)[: 10 * RATE] + 0.05 * rng.standard_normal(10 * RATE)
    # As in music, there is little near half the rate, where resamplers differ.
    sound = soxr.resample(soxr.resample(sound, RATE, 32_000), 32_000, RATE)
    samples = np.stack([sound, sound]).astype(np.float32)
    levels = measure(samples, RATE)
    gain = mastering_gain(levels)
    apply_gain(samples, gain, limiter_curve(levels.peaks * gain), levels.hop)
    assert measure(samples, RATE).lufs() == pytest.approx(-14.0, abs=0.1)
    oversampled = soxr.resample(samples[0].astype(np.float64), RATE, 4 * RATE, quality="VHQ")
    assert 20 * np.log10(np.abs(oversampled).max()) <= -1.0


def test_silence_has_no_loudness_and_is_left_alone() -> None:
    for count in (0, 10, RATE):
        levels = measure(np.zeros((2, count), np.float32), RATE)
        assert levels.lufs() == -np.inf
        assert mastering_gain(levels) == 1.0


def test_sound_below_the_limit_is_not_touched() -> None:
    assert (limiter_curve(np.full(100, 0.8)) == 1.0).all()


def test_the_limiter_lowers_every_peak_and_knows_no_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = np.abs(np.random.default_rng(3).standard_normal(1000)).astype(np.float32)
    curve = limiter_curve(peaks)
    assert (peaks * np.maximum(curve[1:], curve[:-1])).max() <= 10 ** (-1.1 / 20)
    monkeypatch.setattr(mastering, "_BLOCK", 64)
    np.testing.assert_array_equal(limiter_curve(peaks), curve)
