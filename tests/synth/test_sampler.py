"""The sampler: in tune, on time, and without clicks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ritornello.music.instruments import INSTRUMENTS, instrument_index
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont
from ritornello.synth.tone import Tone, playable
from tests.fonts import ATTACK, DELAY, RELEASE, SINE_HZ

RATE = 44_100


@pytest.fixture(scope="module")
def bundled() -> SoundFont:
    return SoundFont.load()


def played(font: SoundFont, notes: list[PlayedNote], count: int, **options: object) -> np.ndarray:
    out = np.zeros((2, count), np.float32)
    Sampler(font, RATE).play(notes, out, **{"program": 0, **options})  # type: ignore[arg-type]
    return out


def cents_off(sound: np.ndarray, pitch: int) -> float:
    """Where a comb of harmonics catches most of the spectrum, in cents from equal temperament."""
    size = 1 << 17
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    cents = np.arange(-100, 101, 2.0)
    hz = 440 * 2 ** ((pitch - 69) / 12 + cents / 1200)
    harmonics = hz[:, None] * np.arange(1, 7)
    caught = np.interp(harmonics, np.fft.rfftfreq(size, 1 / RATE), spectrum)
    caught[harmonics > 8000] = 0
    return float(cents[caught.sum(axis=1).argmax()])


def test_every_preset_is_in_tune_over_its_range(bundled: SoundFont) -> None:
    sampler = Sampler(bundled, RATE)
    for bank, program in bundled.presets:
        if bank == 0:
            instrument = INSTRUMENTS[instrument_index(program)]
            # The piano's last keys are stretched, as on real pianos.
            for pitch in range(instrument.low, min(instrument.high, 104) + 1, 9):
                out = np.zeros((2, RATE), np.float32)
                sampler.play([PlayedNote(0, RATE, pitch, 90)], out, program=program)
                off = cents_off(out.mean(axis=0)[6000:], pitch)
                assert abs(off) <= 25, f"{instrument.name} {pitch} is {off} cents off"


def test_note_starts_at_its_sample(sine_font: Callable[..., Path]) -> None:
    out = played(SoundFont.load(sine_font()), [PlayedNote(1234, 3000, 69, 100)], 6000)
    assert np.abs(out[:, :1234]).max() == 0
    assert np.abs(out[:, 1234:1240]).max() > 0


def test_recorded_attacks_begin_at_the_onset(bundled: SoundFont) -> None:
    """The first 6 ms of struck and plucked sounds reach a hundredth of their peak."""
    drums = [(0, key, True) for key in (36, 38, 42, 46, 49)]
    for program, key, is_drum in [(0, 52, False), (25, 52, False), (33, 40, False), *drums]:
        notes = [PlayedNote(0, RATE, key, 100)]
        sound = np.abs(played(bundled, notes, RATE, program=program, is_drum=is_drum)).max(axis=0)
        assert np.argmax(sound > sound.max() / 100) <= 0.006 * RATE, (program, key)


@pytest.mark.parametrize("key", [57, 69, 76])
def test_loop_goes_on_without_a_click(sine_font: Callable[..., Path], key: int) -> None:
    """Two seconds of a looped 0.1 s sine are a pure sine: everything else is 55 dB lower."""
    sound = played(SoundFont.load(sine_font()), [PlayedNote(0, 90_000, key, 127)], 88_200)[0]
    angle = 2 * np.pi * SINE_HZ * 2 ** ((key - 69) / 12) * np.arange(len(sound)) / RATE
    basis = np.stack([np.sin(angle), np.cos(angle)])
    left = sound - np.linalg.lstsq(basis.T, sound, rcond=None)[0] @ basis
    assert np.square(left).mean() < np.square(sound).mean() * 10 ** (-55 / 10)


def test_release_falls_100_db_in_its_time(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font({RELEASE: 0}))  # one second
    sound = played(font, [PlayedNote(0, 10_000, 69, 127)], 50_000)[0]
    level = 20 * np.log10(np.abs(sound[:50_000].reshape(-1, 100)).max(axis=1) + 1e-12)
    fall_per_second = (level[200] - level[400]) / (200 * 100 / RATE)
    assert fall_per_second == pytest.approx(100, abs=1)


def test_note_let_go_while_it_rises_does_not_go_on_rising(
    sine_font: Callable[..., Path],
) -> None:
    font = SoundFont.load(sine_font({ATTACK: 1200, RELEASE: 1200}))  # two seconds each
    sound = np.abs(played(font, [PlayedNote(0, RATE // 2, 69, 127)], 3 * RATE)[0])
    assert sound[RATE // 2 + 100 :].max() <= sound[: RATE // 2 + 100].max()


def test_delay_and_attack_take_their_time(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font({DELAY: -2400, ATTACK: -1200}))  # 0.25 s, then 0.5 s
    sound = np.abs(played(font, [PlayedNote(0, 2 * RATE, 69, 127)], 2 * RATE)[0])
    assert sound[: RATE // 4 - 10].max() < 1e-4
    half, full = sound[RATE // 2 - 100 : RATE // 2 + 100].max(), sound[RATE:].max()
    assert half == pytest.approx(full / 2, rel=0.01)


def test_twice_the_velocity_is_12_db_louder(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font())
    soft = np.abs(played(font, [PlayedNote(0, 9000, 69, 50)], 9000)).max()
    loud = np.abs(played(font, [PlayedNote(0, 9000, 69, 100)], 9000)).max()
    assert loud / soft == pytest.approx(4, rel=1e-3)


def test_closed_hi_hat_stops_an_open_one(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font(by_key=True))
    alone = [PlayedNote(0, 40_000, 50, 100)]
    choked = [*alone, PlayedNote(4000, 4001, 70, 1)]
    assert np.abs(played(font, alone, 30_000)[0, 20_000:]).max() > 0.1
    assert np.abs(played(font, choked, 30_000)[0, 20_000:]).max() < 1e-3


def test_key_struck_again_lets_go_of_itself_first(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font())
    twice = [PlayedNote(0, 40_000, 69, 100), PlayedNote(10_000, 40_000, 69, 100)]
    once = np.abs(played(font, twice[1:], 30_000)[0]).max()
    assert np.abs(played(font, twice, 30_000)[0, 15_000:]).max() == pytest.approx(once, rel=0.01)


def test_players_sit_where_they_are_put(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font())
    left, right = played(font, [PlayedNote(0, 9000, 69, 100)], 9000, pan=-1.0)
    assert np.abs(right).max() < 1e-6 < np.abs(left).max()
    left, right = played(font, [PlayedNote(0, 9000, 69, 100)], 9000)
    np.testing.assert_allclose(left, right, rtol=1e-6)


def test_tone_is_the_same_however_it_is_cut(bundled: SoundFont) -> None:
    """Stretches made apart join without a seam, with a still and with a moving filter."""
    for program, key in ((0, 60), (38, 40), (89, 60), (33, 40)):
        zone = next(z for z in bundled.preset(program) if z.covers(key, 60))
        sound, sample = zone.sound(key, 60), bundled.sample(zone.sample)
        recording = playable(sample, sound.shifts, sound.is_looped)
        tone = Tone(sound, recording, sample.rate_hz, RATE)
        whole = tone.sound(0, 24_000)
        cuts = [0, 1, 700, 5000, 12_345, 24_000]
        parts = [tone.sound(a, b - a) for a, b in pairwise(cuts)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-5)


@pytest.mark.parametrize("cents", [-50.0, 22.0, 40.0])
def test_it_plays_at_another_tuning(sine_font: Callable[..., Path], cents: float) -> None:
    out = np.zeros((2, RATE), np.float32)
    sampler = Sampler(SoundFont.load(sine_font()), RATE, tuning_cents=cents)
    sampler.play([PlayedNote(0, RATE, 69, 100)], out, program=0)
    assert cents_off(out[0], 69) == pytest.approx(cents + 3.9, abs=2)  # the font is sharp
