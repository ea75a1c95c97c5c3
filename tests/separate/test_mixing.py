"""What a separator learns from: stems of one moment or several, some of them changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.errors import ConfigError
from ritornello.rng import Rng
from ritornello.separate.mixing import StemMixer

RATE = 8_000
PARTS = 4


def ramps(songs: int = 3, samples: int = 500) -> list[np.ndarray]:
    return [np.repeat(np.arange(samples, dtype=np.float32)[:, None], PARTS, axis=1) + 1] * songs


def tones(hz: float, seconds: float = 3.0) -> np.ndarray:
    """The same tone in every part, [samples, parts]."""
    tone = 0.1 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(tone.astype(np.float32)[:, None], PARTS, axis=1)


def softer(stems: np.ndarray, rng: Rng) -> np.ndarray:
    return stems * np.float32(rng.random())


def test_the_parts_of_a_mix_are_of_one_moment_or_of_several() -> None:
    rng = np.random.default_rng(0)
    together = StemMixer(ramps(), 100, mixed=0.0)(rng)
    assert together.shape == (100, PARTS)
    phases = together / together[0]
    assert np.allclose(phases, phases[:, :1], atol=1e-3)
    apart = StemMixer(ramps(), 100, mixed=1.0)(rng)
    assert not np.allclose(apart / apart[0], (apart / apart[0])[:, :1], atol=1e-3)


def test_short_songs_are_followed_by_silence() -> None:
    short = StemMixer(ramps(samples=30), 100)(np.random.default_rng(0))
    assert not short[30:].any()
    assert short[:30].all()


@given(st.integers(0, 2**32 - 1))
def test_levels_move_by_6_decibels_at_most(seed: int) -> None:
    full = [np.full((200, PARTS), 32_767, np.int16)]
    stored = StemMixer(full, 100)(np.random.default_rng(seed))
    assert np.abs(20 * np.log10(stored)).max() <= 6.01


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 3_000))
def test_a_seed_decides_a_mix_of_any_length(
    seed: int, mixed: float, changed: float, samples: int
) -> None:
    def drawn() -> np.ndarray:
        mixer = StemMixer(ramps(2), samples, effect=softer, mixed=mixed, changed=changed)
        return mixer(np.random.default_rng(seed))

    made = drawn()
    assert made.shape == (samples, PARTS)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert np.array_equal(made, drawn())


def test_changed_songs_keep_their_parts_in_tune_and_move_by_4_semitones_at_most() -> None:
    mixer = StemMixer([tones(1_000)], RATE, effect=softer, mixed=0.0, changed=1.0)
    heard = []
    for seed in range(20):
        loudest = np.abs(np.fft.rfft(mixer(np.random.default_rng(seed)), axis=0)).argmax(axis=0)
        assert np.ptp(loudest) == 0
        heard.append(12 * np.log2(loudest[0] / 1_000))
    assert np.abs(heard).max() <= 4.05
    assert np.ptp(heard) > 4


def test_as_many_mixes_go_through_the_effect_as_are_asked_for() -> None:
    def silence(stems: np.ndarray, rng: Rng) -> np.ndarray:
        return np.zeros_like(stems)

    mixer = StemMixer(ramps(), 100, effect=silence, changed=0.3)
    silent = [not mixer(np.random.default_rng(seed)).any() for seed in range(300)]
    assert 0.2 < np.mean(silent) < 0.4


def test_parts_of_several_moments_rest_more_rarely_than_those_of_one() -> None:
    song = tones(1_000)
    song[: len(song) // 2] = 0
    rests = []
    for mixed in (0.0, 1.0):
        mixer = StemMixer([song], RATE // 10, mixed=mixed)
        drawn = [mixer(np.random.default_rng(seed)) for seed in range(200)]
        rests.append(np.mean([not stem.any() for stems in drawn for stem in stems.T]))
    assert rests[1] < 0.75 * rests[0]


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(ConfigError, match="no songs"):
        StemMixer([], 100)
