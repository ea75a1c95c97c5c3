"""Keys of histograms: which one, and how sure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.music.keys import KeyName, estimate_key, key_confidence, parse_key

HISTOGRAMS = st.lists(st.integers(0, 50), min_size=12, max_size=12).map(np.array)


@given(HISTOGRAMS)
@settings(max_examples=30)
def test_the_key_is_the_likeliest_and_all_chances_are_one(weights: np.ndarray) -> None:
    keys = [KeyName(tonic, scale) for scale in ("major", "minor") for tonic in range(12)]
    chances = [key_confidence(weights, key) for key in keys]
    assert sum(chances) == pytest.approx(1)
    best = estimate_key(weights)
    if best is None:
        assert max(chances) == pytest.approx(1 / 24)
    else:
        assert max(chances) == key_confidence(weights, best)


def test_five_notes_of_several_scales_are_less_sure_than_a_scale() -> None:
    scale = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1])
    pentatonic = np.array([1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0])
    key = parse_key("C")
    assert key_confidence(scale, key) > 0.9 > 0.7 > key_confidence(pentatonic, key)
