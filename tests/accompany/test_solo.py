"""A recording cut to length or looped: every sample in its place, and no click."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.accompany.solo import fit_to_length, loop_blocks
from ritornello.errors import ConfigError, InputError
from ritornello.separate.scores import click_db

RATE = 8000
START, EDGE = 24, 400  # samples of 3 and 50 ms


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 2)).astype(np.float32)


def cut(sound: np.ndarray, places: list[int]) -> list[np.ndarray]:
    return np.split(sound, sorted(places))


@settings(max_examples=50)
@given(
    length=st.integers(0, 12_000),
    total=st.integers(1, 12_000),
    places=st.lists(st.integers(0, 12_000), max_size=5),
)
def test_recording_has_the_length_asked_for_however_it_is_cut(
    length: int, total: int, places: list[int]
) -> None:
    sound = noise(length)

    def fit(blocks: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(fit_to_length(blocks, total, fade_seconds=0.25, rate_hz=RATE)))

    result = fit(cut(sound, [place for place in places if place < length]))
    assert result.shape == (total, 2)
    np.testing.assert_array_equal(result, fit([sound]))
    untouched = slice(START, max(START, min(length - EDGE, total - RATE // 4)))
    np.testing.assert_array_equal(result[untouched], sound[untouched])
    assert not result[length:].any()
    if length > 1:
        assert np.abs(result[min(length, total) - 1]).max() < 1e-6


def test_longer_recording_fades_at_equal_power() -> None:
    sound = np.ones((4 * RATE, 2), np.float32)
    result = np.concatenate(list(fit_to_length([sound], 3 * RATE, fade_seconds=2.0, rate_hz=RATE)))
    assert result[2 * RATE, 0] == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert np.abs(np.diff(result[START:, 0])).max() < 2e-4


def test_recordings_that_are_not_stereo_floats_are_refused() -> None:
    for block in (np.zeros((10, 1), np.float32), np.zeros((10, 2)), np.zeros(10, np.float32)):
        with pytest.raises(InputError, match="float32"):
            list(fit_to_length([block], 100, fade_seconds=1.0, rate_hz=RATE))


def test_loop_meets_on_the_sample_without_a_click() -> None:
    time = np.arange(3 * RATE) / RATE
    sound = np.stack([np.sin(2 * np.pi * hz * time) for hz in (211.7, 97.3)], 1).astype(np.float32)
    first, last = 5000, 19_000
    period = last - first
    rounds = loop_blocks(lambda: cut(sound, [3000, 9000, 18_990]), first, last, rate_hz=RATE)
    result = np.concatenate(list(islice(rounds, 40)))
    join = round(0.02 * RATE)
    for turn in range(4):
        begin = last + turn * period
        np.testing.assert_array_equal(result[begin : begin + 9000], sound[first : first + 9000])
    assert click_db(result[first:, 0], period) < 0
    hard = np.concatenate([sound[:last], *[sound[first:last]] * 4])
    assert click_db(hard[first:, 0], period) > 6
    assert np.abs(np.diff(result, axis=0)).max() < 0.3
    np.testing.assert_array_equal(result[: last - join], sound[: last - join])


def test_loop_from_the_beginning_and_past_the_end_of_a_recording() -> None:
    sound = noise(3000)
    result = np.concatenate(list(islice(loop_blocks(lambda: [sound], 0, 4000, rate_hz=RATE), 12)))
    np.testing.assert_array_equal(result[4000:7000], sound)
    assert not result[3000 : 4000 - 160].any()


@pytest.mark.parametrize(("first", "last"), [(-1, 5000), (1000, 1100), (1000, 500)])
def test_loops_that_lead_nowhere_are_refused(first: int, last: int) -> None:
    with pytest.raises(ConfigError, match="No loop"):
        next(loop_blocks(lambda: [noise(9000)], first, last, rate_hz=RATE))
