"""Pedals, loudness, place and pitch are heard: measured in the sound of a font that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ritornello.music.controls import (
    EXPRESSION,
    MODULATION,
    PAN,
    RESET_ALL,
    SOFT,
    SOSTENUTO,
    SUSTAIN,
    VOLUME,
    bend_range_controls,
)
from ritornello.music.note_tables import ALL_PITCHES
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.synth.block_playback import played as played_in_blocks
from ritornello.synth.gestures import Gestures
from ritornello.synth.render import open_sampler, played_notes, render
from ritornello.synth.sampler import Sampler
from ritornello.synth.soundfont import SoundFont
from tests.fonts import SINE_HZ

RATE = 44_100
Font = Callable[..., Path]
# At 60 bpm and 1000 ticks a quarter a tick is a millisecond.
SECOND = 1000


def sound_of(font: Path, notes: list[tuple[int, int, int, int]], **playing: Any) -> np.ndarray:
    """The sound of a part before room and level, float32 [2, samples]."""
    track = Track(notes, **playing)
    piece = Piece((track,), resolution=SECOND, tempos=(Tempo(0, 60),))
    out = np.zeros((2, 3 * RATE), np.float32)
    Sampler(SoundFont.load(font), RATE).play(
        played_notes(piece, track, RATE), out, program=0, gestures=Gestures.of(piece, track, RATE)
    )
    return out


def level_at(sound: np.ndarray, seconds: float) -> float:
    start = round(seconds * RATE)
    return float(np.abs(sound[..., start : start + RATE // 20]).max())


def hz_at(sound: np.ndarray, seconds: float) -> float:
    """Frequency by the phase of a quarter second of a sine, in hertz."""
    start = round(seconds * RATE)
    part = sound[0, start : start + RATE // 4] * np.hanning(RATE // 4)
    size = 1 << 18
    return float(np.abs(np.fft.rfft(part, size)).argmax() * RATE / size)


def cents(hz: float, pitch: int = 69) -> float:
    return float(1200 * np.log2(hz / (SINE_HZ * 2 ** ((pitch - 69) / 12))))


HALF_A_SECOND = [(0, 500, 69, 100)]


def test_the_sustain_pedal_holds_notes_until_it_is_lifted(sine_font: Font) -> None:
    plain = sound_of(sine_font(), HALF_A_SECOND)
    held = sound_of(sine_font(), HALF_A_SECOND, controls=[(100, SUSTAIN, 127), (1500, SUSTAIN, 0)])
    assert level_at(plain, 1.0) < 1e-3
    assert level_at(held, 1.0) == pytest.approx(level_at(plain, 0.3), rel=0.01)
    assert level_at(held, 1.7) < 1e-3


def test_half_a_pedal_is_up_and_one_never_lifted_is_down_to_the_end(sine_font: Font) -> None:
    half = sound_of(sine_font(), HALF_A_SECOND, controls=[(0, SUSTAIN, 63)])
    assert level_at(half, 1.0) < 1e-3
    notes = [*HALF_A_SECOND, (1900, 100, 50, 1)]
    held = sound_of(sine_font(), notes, controls=[(0, SUSTAIN, 64)])
    assert level_at(held, 1.5) > 0.1


def test_sostenuto_holds_only_what_was_held(sine_font: Font) -> None:
    controls = [(250, SOSTENUTO, 127), (1500, SOSTENUTO, 0)]
    assert level_at(sound_of(sine_font(), HALF_A_SECOND, controls=controls), 1.2) > 0.1
    later = [(300, 200, 69, 100)]
    assert level_at(sound_of(sine_font(), later, controls=controls), 1.2) < 1e-3


def test_the_soft_pedal_softens_what_is_struck_with_it(sine_font: Font) -> None:
    plain = sound_of(sine_font(), HALF_A_SECOND)
    soft = sound_of(sine_font(), HALF_A_SECOND, controls=[(0, SOFT, 127)])
    assert 0.4 < level_at(soft, 0.2) / level_at(plain, 0.2) < 0.8


@pytest.mark.parametrize(
    ("number", "value", "factor"),
    [(VOLUME, 50, 0.25), (VOLUME, 100, 1.0), (EXPRESSION, 127, 1.0), (EXPRESSION, 0, 0.0)],
)
def test_volume_and_expression_are_40_db_a_decade(
    sine_font: Font, number: int, value: int, factor: float
) -> None:
    plain = level_at(sound_of(sine_font(), HALF_A_SECOND), 0.2)
    moved = level_at(sound_of(sine_font(), HALF_A_SECOND, controls=[(0, number, value)]), 0.2)
    assert moved / plain == pytest.approx(factor, abs=0.01)


def test_a_swell_grows_without_a_click(sine_font: Font) -> None:
    controls = [(0, EXPRESSION, 40), (500, EXPRESSION, 127)]
    sound = sound_of(sine_font(), [(0, 1000, 69, 100)], controls=controls)
    assert level_at(sound, 0.7) / level_at(sound, 0.2) == pytest.approx((127 / 40) ** 2, rel=0.02)
    assert np.abs(np.diff(sound[0])).max() < 0.1 * level_at(sound, 0.7)


def test_pan_moves_the_player(sine_font: Font) -> None:
    controls = [(0, PAN, 0), (500, PAN, 127)]
    left, right = sound_of(sine_font(), [(0, 1000, 69, 100)], controls=controls)
    assert level_at(right, 0.2) < 1e-3 < level_at(left, 0.2)
    assert level_at(left, 0.7) < 1e-3 < level_at(right, 0.7)


@pytest.mark.parametrize("semitones", [2.0, 12.0, 0.5])
@pytest.mark.parametrize("value", [8191, -8192, 4096])
def test_bends_reach_as_far_as_their_range(sine_font: Font, semitones: float, value: int) -> None:
    sound = sound_of(
        sine_font(),
        [(0, 1500, 69, 100)],
        controls=bend_range_controls(semitones),
        bends=[(500, value)],
    )
    assert cents(hz_at(sound, 0.1)) == pytest.approx(0, abs=2)
    assert cents(hz_at(sound, 0.7)) == pytest.approx(100 * semitones * value / 8192, abs=2)
    assert np.abs(np.diff(sound[0, :RATE])).max() < 0.3, "the sine goes on without a jump"


def test_a_bend_before_the_note_is_heard_from_its_beginning(sine_font: Font) -> None:
    sound = sound_of(sine_font(), [(500, 500, 69, 100)], bends=[(0, 4096)])
    assert cents(hz_at(sound, 0.6)) == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    "playing",
    [{"controls": [(0, MODULATION, 127)]}, {"pressures": [(0, ALL_PITCHES, 127)]}],
    ids=["modulation", "pressure"],
)
def test_modulation_swings_the_pitch(sine_font: Font, playing: dict[str, Any]) -> None:
    sound = sound_of(sine_font(), [(0, 2000, 69, 100)], **playing)[0, : 2 * RATE]
    crossings = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    periods = crossings + sound[crossings] / (sound[crossings] - sound[crossings + 1])
    swing = 1200 * np.log2(RATE / np.diff(periods) / SINE_HZ)
    assert 40 < swing.max() < 60
    assert -60 < swing.min() < -40


def test_a_reset_lets_go(sine_font: Font) -> None:
    controls = [(0, SUSTAIN, 127), (0, EXPRESSION, 50), (900, RESET_ALL, 0)]
    sound = sound_of(sine_font(), [*HALF_A_SECOND, (1200, 500, 69, 100)], controls=controls)
    plain = sound_of(sine_font(), HALF_A_SECOND)
    assert level_at(sound, 1.05) < 1e-3
    assert level_at(sound, 1.4) == pytest.approx(level_at(plain, 0.3), rel=0.01)


def test_blocks_sound_as_the_whole(sine_font: Font) -> None:
    track = Track(
        [(0, 1500, 69, 100), (400, 800, 60, 90)],
        controls=[(300, VOLUME, 60), (600, PAN, 20), (0, SUSTAIN, 127), (2000, SUSTAIN, 0)],
        bends=[(200, 3000), (900, -5000)],
    )
    piece = Piece((track,), resolution=SECOND, tempos=(Tempo(0, 60),))
    font = SoundFont.load(sine_font())
    whole = np.zeros((2, 3 * RATE), np.float32)
    Sampler(font, RATE).play(
        played_notes(piece, track, RATE),
        whole,
        program=0,
        gestures=Gestures.of(piece, track, RATE),
    )
    room_of_whole = render(piece, rate_hz=RATE, soundfont=font).samples
    sampler = open_sampler(font, RATE)
    blocks = np.concatenate(
        list(played_in_blocks(piece, [(track, 0.0)], sampler, 3 * RATE, RATE)), axis=1
    )
    count = min(blocks.shape[1], len(room_of_whole), RATE)
    scale = np.abs(room_of_whole[:count].T).max() / np.abs(blocks[:, :count]).max()
    np.testing.assert_allclose(blocks[:, :count] * scale, room_of_whole[:count].T, atol=0.02)


def test_a_part_without_gestures_sounds_as_it_did(sine_font: Font) -> None:
    track = Track(HALF_A_SECOND, controls=[(0, VOLUME, 100), (0, EXPRESSION, 127), (0, PAN, 64)])
    piece = Piece((track,), resolution=SECOND, tempos=(Tempo(0, 60),))
    assert Gestures.of(piece, track, RATE) is None
