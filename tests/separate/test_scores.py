"""Separation measures against direct formulae and sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.separate.scores import (
    click_db,
    ideal_ratio_mask,
    log_spectral_distance_db,
    noise_db,
    si_sdr_db,
    snr_db,
)

RATE = 8000


def noise(seed: int, length: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(length)


def tone(hz: float, level: float = 1.0, seconds: float = 1.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


@given(st.integers(0, 50), st.floats(0.01, 10))
def test_si_sdr_is_the_residual_of_a_least_squares_fit(seed: int, mixed: float) -> None:
    """The judge fits the estimate by the reference and a constant with a library solver."""
    reference, estimate = noise(seed), mixed * noise(seed) + noise(seed + 1000) + 3
    basis = np.stack([reference - reference.mean(), np.ones(RATE)], axis=1)
    weights, residual, *_ = np.linalg.lstsq(basis, estimate, rcond=None)
    expected = 10 * np.log10(np.square(basis[:, 0] * weights[0]).sum() / residual[0])
    assert si_sdr_db(reference, estimate) == pytest.approx(expected, abs=1e-6)


def test_known_ratios() -> None:
    reference, disturbance = tone(500), tone(700, level=0.1)
    assert si_sdr_db(reference, reference + disturbance) == pytest.approx(20, abs=0.01)
    assert snr_db(reference, reference + disturbance) == pytest.approx(20, abs=0.01)
    assert si_sdr_db(reference, 0.01 * (reference + disturbance)) == pytest.approx(20, abs=0.01)
    assert snr_db(reference, np.zeros(RATE)) == pytest.approx(0)
    assert snr_db(reference, 2 * reference) == pytest.approx(0)
    assert snr_db(reference, reference) == np.inf


def test_silence_has_no_ratio() -> None:
    silence = np.zeros(RATE)
    assert np.isnan(si_sdr_db(silence, tone(500)))
    assert np.isnan(si_sdr_db(tone(500), silence))
    assert np.isnan(snr_db(silence, tone(500)))
    assert log_spectral_distance_db(silence, silence, RATE) == 0


def test_ten_times_as_loud_is_twenty_decibels_away() -> None:
    quiet = 0.01 * noise(1, 4 * RATE)
    assert log_spectral_distance_db(quiet, 10 * quiet, RATE) == pytest.approx(20, abs=0.1)
    assert log_spectral_distance_db(quiet, quiet, RATE) == 0


def test_a_mask_takes_apart_what_does_not_overlap_and_leaves_the_mix_whole() -> None:
    stems = np.stack([tone(300), tone(1500), np.zeros(RATE)], axis=1)
    masked = ideal_ratio_mask(stems, RATE)
    assert si_sdr_db(stems[:, 0], masked[:, 0]) > 25
    assert not masked[:, 2].any()
    np.testing.assert_allclose(masked.sum(axis=1), stems.sum(axis=1), atol=1e-9)


def test_the_mask_is_better_than_the_mix_for_overlapping_sounds() -> None:
    stems = np.stack([noise(1), noise(2)], axis=1)
    masked = ideal_ratio_mask(stems, RATE)
    assert si_sdr_db(stems[:, 0], masked[:, 0]) > si_sdr_db(stems[:, 0], stems.sum(axis=1)) + 3


def test_clicks_are_found_at_their_period_only() -> None:
    chunks = np.concatenate([tone(100, seconds=0.1) + offset for offset in (0, 0.8) * 20])
    assert click_db(chunks, RATE // 10) > 15
    assert click_db(noise(3, 40 * RATE), RATE // 10) == pytest.approx(0, abs=1)
    assert np.isnan(click_db(np.zeros(RATE), 100))
    assert np.isnan(click_db(noise(3, 50), 100))


def test_noise_is_measured_in_pauses() -> None:
    real = np.concatenate([tone(500), np.zeros(RATE)])
    hiss = 0.01 * noise(4, 2 * RATE)
    assert noise_db(real, real + hiss, RATE) == pytest.approx(-40, abs=0.5)
    assert noise_db(real, real, RATE) < -100
    assert np.isnan(noise_db(tone(500), hiss[:RATE], RATE))
