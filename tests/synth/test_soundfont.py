"""SoundFonts: what the bundled one holds, what stands in, and what a damaged one does."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.synth.program_substitution import substitute_program
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont
from tests.fonts import DECAY, SUSTAIN, font_bytes


@pytest.fixture(scope="module")
def bundled() -> SoundFont:
    return SoundFont.load()


def test_bundled_font_ships_with_its_licence() -> None:
    text = (files("ritornello") / "assets" / "FluidR3Mono_LICENSE.txt").read_text("utf-8")
    assert "Permission is hereby granted, free of charge" in text


def test_every_general_midi_program_and_drum_key_sounds(bundled: SoundFont) -> None:
    sampler = Sampler(bundled, 8000)
    for program in range(128):
        out = np.zeros((2, 4000), np.float32)
        sampler.play([PlayedNote(0, 4000, 60, 90)], out, program=program)
        assert np.abs(out).max() > 1e-3, f"program {program} is silent"
    for key in range(128):
        out = np.zeros((2, 4000), np.float32)
        sampler.play([PlayedNote(0, 400, key, 90)], out, program=0, is_drum=True)
        assert np.abs(out).max() > 1e-4, f"drum key {key} is silent"


def test_program_is_played_by_its_own_preset_where_there_is_one() -> None:
    assert substitute_program(42, range(128)) == 42
    assert substitute_program(42, {0, 33, 48, 73}) == 48  # a cello by strings
    assert substitute_program(35, {0, 33, 48, 73}) == 33  # a fretless bass by a fingered one
    assert substitute_program(42, {44, 0}) == 44  # outside the table: the same family of eight
    assert substitute_program(42, {90, 3}) == 3


def test_settings_of_a_zone_are_in_seconds_and_decibels(sine_font: Callable[..., Path]) -> None:
    (zone,) = SoundFont.load(sine_font({DECAY: 1200, SUSTAIN: 200, 17: -500, 8: 6900})).preset(0)
    sound = zone.sound(69, 127)
    assert (sound.volume.attack_seconds, sound.volume.decay_seconds) == (0.0, 2.0)
    assert sound.volume.sustain == 20.0
    assert (sound.cents, sound.cutoff_cents, sound.is_looped) == (0.0, 6900, True)
    assert zone.gain_and_pan(69, 127) == (1.0, -1.0)


def test_font_without_a_drum_kit_says_so(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(sine_font())
    with pytest.raises(InputError, match="no drum kit"):
        font.preset(0, is_drum=True)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"MThd" * 100, font_bytes()[:-40]])
def test_what_is_no_whole_font_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.sf2"
    path.write_bytes(content)
    with pytest.raises(InputError):
        SoundFont.load(path)


def test_missing_font_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        SoundFont.load(tmp_path / "none.sf2")


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 600),
)
def test_damaged_font_plays_or_is_refused(
    tmp_path: Path, changes: list[tuple[int, int]], cut: int
) -> None:
    """Any bytes changed around the tables, any length: finite sound or an `InputError`."""
    content = bytearray(font_bytes({DECAY: 1200, 8: 6900, 11: 2400}))
    for from_end, value in changes:
        content[-1 - from_end % 700] = value
    path = tmp_path / "damaged.sf2"
    path.write_bytes(content[: len(content) - cut % 3 * cut])
    out = np.zeros((2, 2000), np.float32)
    try:
        Sampler(SoundFont.load(path), 44100).play([PlayedNote(0, 1000, 60, 90)], out, program=0)
    except InputError:
        return
    assert np.isfinite(out).all()
