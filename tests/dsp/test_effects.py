"""Effects: they do what their names say in decibels, and never break a sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ritornello.dsp import effects
from ritornello.errors import ConfigError

RATE = 22_050

sounds = st.one_of(
    arrays(np.float32, st.integers(0, 600), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 20_000).map(lambda count: tone(440, count)),
)


def tone(hz: float, count: int = RATE, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(count) / RATE)).astype(np.float32)


def change_db(effect: Callable[[np.ndarray], np.ndarray], hz: float) -> float:
    """How much louder an effect makes a tone, away from its ends."""
    sound = tone(hz, 2 * RATE)
    inside = slice(RATE // 2, -RATE // 2)
    return float(20 * np.log10(effect(sound)[inside].std() / sound[inside].std()))


@given(sounds, st.integers(0, 2**32 - 1), st.floats(0, 1), st.booleans())
def test_random_effects_keep_length_and_bounds(
    sound: np.ndarray, seed: int, strength: float, noisy: bool
) -> None:
    made = effects.random_effects(
        sound, RATE, np.random.default_rng(seed), strength=strength, noisy=noisy
    )
    assert made.shape == sound.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert np.abs(made).max(initial=0) <= 1 + 1e-6


@given(sounds, st.integers(0, 2**32 - 1))
def test_no_strength_changes_nothing_and_a_seed_decides_all(sound: np.ndarray, seed: int) -> None:
    def made(strength: float) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return effects.random_effects(sound, RATE, rng, strength=strength)

    np.testing.assert_array_equal(made(0.0), sound)
    np.testing.assert_array_equal(made(1.0), made(1.0))


@pytest.mark.parametrize(("seed", "most_db"), [(0, 0.0), (1, 3.0), (2, 12.0), (3, 12.0)])
def test_a_random_equaliser_stays_within_its_bands(seed: int, most_db: float) -> None:
    def equalised(sound: np.ndarray) -> np.ndarray:
        return effects.random_equaliser(sound, RATE, np.random.default_rng(seed), most_db)

    for hz in (125.0, 1000.0, 8000.0):  # three octaves of tilt, two shelves and a bell
        assert abs(change_db(equalised, hz)) <= 4 * most_db + 0.1


def test_other_stems_keep_silence_but_for_noise_in_the_last() -> None:
    stems = np.stack([np.zeros(4000), tone(440, 4000), np.zeros(4000)]).astype(np.float32)
    noisy = 0
    for seed in range(30):
        made = effects.other_stems(stems, RATE, np.random.default_rng(seed))
        assert made.shape == stems.shape
        assert made.dtype == np.float32
        assert not made[0].any()
        noisy += made[2].any()
    assert 5 <= noisy <= 20
    np.testing.assert_array_equal(stems[1], tone(440, 4000))


def test_a_sound_is_not_changed_in_place() -> None:
    sound = tone(440)
    for seed in range(30):
        effects.random_effects(sound, RATE, np.random.default_rng(seed))
    np.testing.assert_array_equal(sound, tone(440))


@pytest.mark.parametrize(
    ("effect", "hz", "expected_db"),
    [
        (lambda x: effects.gain(x, -6), 440, -6),
        (lambda x: effects.tilt(x, RATE, 3), 1000, 0),
        (lambda x: effects.tilt(x, RATE, 3), 4000, 6),
        (lambda x: effects.tilt(x, RATE, 3), 250, -6),
        (lambda x: effects.shelf(x, RATE, 500, 6, above=True), 8000, 6),
        (lambda x: effects.shelf(x, RATE, 500, 6, above=True), 500, 3),
        (lambda x: effects.shelf(x, RATE, 500, 6, above=True), 40, 0),
        (lambda x: effects.shelf(x, RATE, 500, -6, above=False), 40, -6),
        (lambda x: effects.band_limit(x, RATE, *effects.TELEPHONE_HZ), 1000, 0),
        (lambda x: effects.band_limit(x, RATE, *effects.TELEPHONE_HZ), 3400, -3),
        (lambda x: effects.band_limit(x, RATE, *effects.TELEPHONE_HZ), 6800, -24.1),
    ],
)
def test_filters_change_tones_by_what_they_say(
    effect: Callable[..., Any], hz: int, expected_db: float
) -> None:
    assert change_db(effect, hz) == pytest.approx(expected_db, abs=0.15)


def test_nothing_is_delayed() -> None:
    click = np.zeros(RATE, np.float32)
    click[RATE // 2] = 0.5
    for effect in (
        lambda x: effects.tilt(x, RATE, 2),
        lambda x: effects.band_limit(x, RATE, 100, 8000),
        lambda x: effects.room(x, RATE),
        lambda x: effects.saturate(x, 6),
        lambda x: effects.through_mp3(x, RATE),
    ):
        assert np.abs(effect(click)).argmax() == RATE // 2  # type: ignore[no-untyped-call]


def test_a_room_adds_echoes_of_the_level_asked_for_and_is_linear() -> None:
    click = np.zeros((2, 2 * RATE), np.float32)
    click[:, 0] = [1.0, 0.5]
    heard = effects.room(click, RATE, size=0.7, level_db=-12, seed=3)
    energy = np.square(heard[0, 1:]).sum()
    assert 10 * np.log10(energy) == pytest.approx(-12, abs=0.1)
    np.testing.assert_allclose(heard[1], heard[0] / 2, atol=1e-6)
    assert not np.abs(heard[:, RATE:]).max() > 1e-6  # 0.7 x 1.4 s later it is over


@given(sounds, st.floats(0, 24))
def test_saturation_keeps_the_peak_and_the_order_of_samples(
    sound: np.ndarray, drive_db: float
) -> None:
    made = effects.saturate(sound, drive_db)
    assert np.abs(made).max(initial=0) == pytest.approx(np.abs(sound).max(initial=0), rel=1e-4)
    if np.isfinite(sound).all() and len(sound):
        assert (np.diff(made[np.argsort(sound, kind="stable")]) >= -1e-6).all()


def test_a_compressor_lowers_what_is_loud_by_its_ratio() -> None:
    sound = np.concatenate([tone(440, level=0.01), tone(440, level=1.0)])
    curve = effects.compression_curve(sound, RATE, threshold_db=-23, ratio=4)
    assert curve.shape == sound.shape
    assert curve[RATE // 2] == pytest.approx(1)
    # A full-scale sine has -3 dB: 20 dB over the threshold become 5.
    assert 20 * np.log10(curve[-RATE // 2]) == pytest.approx(-15, abs=0.3)


@given(sounds, st.floats(-60, 0), st.floats(1, 20))
def test_a_compressor_only_turns_down(sound: np.ndarray, threshold_db: float, ratio: float) -> None:
    curve = effects.compression_curve(sound, RATE, threshold_db=threshold_db, ratio=ratio)
    assert curve.shape == sound.shape
    assert ((curve > 0) & (curve <= 1 + 1e-6)).all()


@pytest.mark.parametrize("kind", effects.NOISE_KINDS)
def test_noise_is_as_loud_as_asked(kind: effects.NoiseKind) -> None:
    sound = tone(440)
    added = effects.add_noise(sound, RATE, kind, 20, np.random.default_rng(0)) - sound
    assert 20 * np.log10(sound.std() / added.std()) == pytest.approx(20, abs=0.1)
    silence = np.zeros(100, np.float32)
    assert not effects.add_noise(silence, RATE, kind, 20, np.random.default_rng(0)).any()


def test_pink_noise_has_equal_power_in_octaves_and_white_twice_as_much_in_the_higher() -> None:
    def octaves_db(kind: effects.NoiseKind) -> float:
        power = np.abs(np.fft.rfft(effects.noise(RATE, RATE, kind, np.random.default_rng(0)))) ** 2
        return float(10 * np.log10(power[2000:4000].sum() / power[1000:2000].sum()))

    assert octaves_db("pink") == pytest.approx(0, abs=0.5)
    assert octaves_db("white") == pytest.approx(3, abs=0.5)


def test_mp3_keeps_a_tone_and_loses_something() -> None:
    sound = tone(1000)
    heard = effects.through_mp3(sound, RATE, 0.7)
    assert heard.shape == sound.shape
    assert 0 < np.abs(heard - sound).max() < 0.1


def test_what_has_no_meaning_is_refused() -> None:
    with pytest.raises(ConfigError, match="11025 Hz"):
        effects.through_mp3(tone(440), 11_025)
    with pytest.raises(ConfigError, match="band"):
        effects.band_limit(tone(440), RATE, 500, 400)
    with pytest.raises(ConfigError, match="brown"):
        effects.noise(10, RATE, "brown", np.random.default_rng(0))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="ratio"):
        effects.compression_curve(tone(440), RATE, threshold_db=-10, ratio=0.5)
