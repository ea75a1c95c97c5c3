"""Short-time spectra give the sound back, at any rate, and say the same at any rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.dsp.short_time import sound, spectra, window_size
from ritornello.separate.band_split import BandSplit


@given(st.integers(0, 3000), st.integers(1, 300), st.integers(0, 9))
def test_spectra_give_the_sound_back(samples: int, half: int, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1, 1, (2, samples)).astype(np.float32)
    back = sound(spectra(noise, 2 * half), 2 * half, samples)
    assert back.shape == noise.shape
    np.testing.assert_allclose(back, noise, atol=1e-5)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_bin_is_the_same_frequency_at_every_rate(rate_hz: int) -> None:
    seconds = BandSplit().window_seconds
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate_hz) / rate_hz).astype(np.float32)
    magnitudes = np.abs(spectra(tone, window_size(rate_hz, seconds)))[4:-4].mean(axis=0)
    assert magnitudes.argmax() == round(1000 * seconds)
    assert magnitudes.max() == pytest.approx(0.31, abs=0.02)


@given(st.floats(0.005, 0.2))
def test_the_bands_are_all_bins_in_order(window_seconds: float) -> None:
    split = BandSplit(window_seconds)
    assert split.bands[0][0] == 0
    assert split.bands[-1][1] == split.bins
    assert all(low < high for low, high in split.bands)
    assert all(one[1] == next_[0] for one, next_ in zip(split.bands, split.bands[1:], strict=False))
