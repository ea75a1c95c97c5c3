"""Cosines of pitches: what the raw one cannot tell, the others do."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.metrics.similarity import centred_cosine, class_cosine, mean_cosines, raw_cosine


def test_cosines_counted_by_hand() -> None:
    assert raw_cosine(np.array([3, 4]), np.array([4, 3, 99])) == pytest.approx(24 / 25)
    assert centred_cosine(np.array([60, 62]), np.array([72, 70])) == pytest.approx(-1)
    assert class_cosine(np.array([60, 72]), np.array([48])) == pytest.approx(1)
    assert centred_cosine(np.array([60, 60]), np.array([60, 62])) == 0, "a held note has no shape"


def test_the_raw_cosine_cannot_tell_noise_from_music() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    tunes = [rng.choice(scale, 100) for _ in range(8)]
    noise = list(rng.integers(48, 84, (8, 100)))
    found = mean_cosines(noise, tunes)
    assert found["raw"] > 0.95
    assert abs(found["centred"]) < 0.1
    assert np.isnan(mean_cosines([], tunes)["raw"])
    assert mean_cosines(tunes[:4], tunes[4:])["pitch classes"] > 0.5 > found["pitch classes"]
