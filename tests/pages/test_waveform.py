"""Envelopes: the same however the sound streams by, never lower than it was, drawn as one shape."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.pages.waveform_outline import Envelope, waveform_svg


@given(
    samples=st.integers(1, 400),
    columns=st.integers(1, 500),
    channels=st.integers(0, 2),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    seed=st.integers(0, 99),
)
def test_columns_are_the_extremes_of_equal_stretches_whatever_the_blocks(
    samples: int, columns: int, channels: int, cuts: list[int], seed: int
) -> None:
    shape = (samples, channels) if channels else (samples,)
    sound = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
    envelope = Envelope(samples, columns)
    for block in np.split(sound, sorted(min(cut, samples) for cut in cuts)):
        envelope.add(block)
    columns = min(columns, samples)
    edges = [index * samples // columns for index in range(columns + 1)]
    wanted = [
        (min(0.0, sound[start:end].min()), max(0.0, sound[start:end].max()))
        for start, end in pairwise(edges)
    ]
    np.testing.assert_array_equal(envelope.columns, np.array(wanted, np.float32))


def test_what_has_not_come_is_silent_and_too_much_is_refused() -> None:
    envelope = Envelope(10, 5)
    envelope.add(np.full(4, 0.5, np.float32))
    assert envelope.columns[:, 1].tolist() == [0.5, 0.5, 0, 0, 0]
    with pytest.raises(InputError, match="10 samples got 11"):
        envelope.add(np.zeros(7, np.float32))
    with pytest.raises(InputError, match="found 0"):
        Envelope(0)


def test_outline_reaches_from_the_highest_to_the_lowest_sample_of_each_column() -> None:
    envelope = np.array([[-0.25, 0.5], [0.0, 0.0], [-1.0, 0.1]], np.float32)
    svg = ElementTree.fromstring(waveform_svg(envelope, full_scale=0.5, description="A & B"))
    assert svg.get("viewBox") == "0 -100 3 200"
    assert svg.get("aria-label") == "A & B"
    drawn = svg[0].get("d")
    assert drawn == "M0 0V-100h1V0h1V-20h1V100h-1V0h-1V50h-1z"  # the low -1 is cut off at the edge
