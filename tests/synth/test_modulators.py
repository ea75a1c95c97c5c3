"""Modulators: velocity and key change what the font says they change, as FluidSynth plays it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.synth.modulators import DEFAULTS, Wire, added
from ritornello.synth.render import played_notes
from ritornello.synth.sampler import Sampler
from ritornello.synth.soundfont import SoundFont

RATE = 44_100
START, CUTOFF, ATTACK, ATTENUATION = 0, 8, 34, 48
FALLING_VELOCITY, KEY_EITHER_SIDE = 0x102, 0x203
LOUDER_WITH_VELOCITY = 0x502  # concave, falling: the source of the default modulator
SQUARE_LAW_DB = 40 * np.log10(127 / 64)
MODULATION_WHEEL, VOLUME, BREATH_FALLING, LINK = 0x81, 0x587, 0x182, 0x7F
LARGE_FONT = "/usr/share/sounds/sf3/MuseScore_General_Full.sf3"

needs_fluidsynth = pytest.mark.skipif(not shutil.which("fluidsynth"), reason="needs fluidsynth")


def value(source: int, velocity: int, key: int = 60) -> float:
    return added({Wire(source, CUTOFF, 0, 0): 1}, key, velocity)[CUTOFF]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (0x002, (0, 64 / 128, 127 / 128)),
        (FALLING_VELOCITY, (127 / 128, 63 / 128, 0)),
        (0x202, (-1, 0, 126 / 128)),
        (LOUDER_WITH_VELOCITY, (1, SQUARE_LAW_DB / 96, 0)),
        (0x802, (0, 1 - SQUARE_LAW_DB / 96, 1)),
        (0xC02, (0, 1, 1)),
        (0xF02, (1, -1, -1)),
        (0x000, (1, 1, 1)),
        (MODULATION_WHEEL, (0, 0, 0)),
        (VOLUME, (0, 0, 0)),
        (BREATH_FALLING, (127 / 128, 127 / 128, 127 / 128)),
    ],
)
def test_curves_of_section_8_2_at_velocities_0_64_and_127(
    source: int, expected: tuple[float, float, float]
) -> None:
    assert [value(source, v) for v in (0, 64, 127)] == pytest.approx(expected, abs=1e-3)


def test_transform_2_takes_the_absolute_value() -> None:
    wire = Wire(source=0x202, target=CUTOFF, amount_source=0, transform=2)
    assert added({wire: 128}, 60, 0) == {CUTOFF: 128.0}


@given(source=st.integers(0, 0xFFFF), low=st.integers(0, 127), high=st.integers(0, 127))
@example(source=0xA8C, low=0, high=0)  # convex and bipolar, at its end
def test_every_source_stays_within_one_and_never_turns_round(
    source: int, low: int, high: int
) -> None:
    ends = value(source, 0), value(source, 127)
    between = value(source, min(low, high)), value(source, max(low, high))
    assert all(abs(v) <= 1 + 1e-9 for v in (*ends, *between))
    rise = np.sign(ends[1] - ends[0])
    assert rise * (between[1] - between[0]) >= 0


def test_instrument_replaces_the_default_and_preset_adds_to_it(
    sine_font: Callable[..., Path],
) -> None:
    def doubling_db(own: int | None, offset: int) -> float:
        sources = (LOUDER_WITH_VELOCITY, ATTENUATION)
        font = SoundFont.load(
            sine_font(
                modulators=[] if own is None else [(*sources, own, 0, 0)],
                preset_modulators=[(*sources, offset, 0, 0)],
            )
        )
        gains = [font.preset(0)[0].gain_and_pan(69, v)[0] for v in (50, 100)]
        return float(20 * np.log10(gains[1] / gains[0]))

    square_law = 40 * np.log10(2)
    assert doubling_db(None, 0) == pytest.approx(square_law)
    assert doubling_db(480, 0) == pytest.approx(square_law / 2)
    assert doubling_db(0, 240) == pytest.approx(square_law / 4)
    assert doubling_db(None, -960) == pytest.approx(0)


def test_velocity_and_key_move_filter_attack_and_start(sine_font: Callable[..., Path]) -> None:
    font = SoundFont.load(
        sine_font(
            {START: 1000, CUTOFF: 9000, ATTACK: -1200},
            modulators=[
                (FALLING_VELOCITY, CUTOFF, -1280, 0, 0),
                (KEY_EITHER_SIDE, CUTOFF, 640, 0, 0),
                (FALLING_VELOCITY, ATTACK, 2438, 0, 0),
                (FALLING_VELOCITY, START, -1280, 0, 0),
            ],
        )
    )
    (zone,) = font.preset(0)
    loud, soft = zone.sound(64, 127), zone.sound(80, 64)
    assert (loud.cutoff_cents, loud.start) == (9000, 1000)
    assert loud.volume.attack_seconds == 0.5
    assert (soft.cutoff_cents, soft.start) == (9000 - 630 + 160, 1000 - 630)
    assert soft.volume.attack_seconds == pytest.approx(1, rel=1e-3)


def test_last_of_equal_modulators_counts_and_chains_are_left_out(
    sine_font: Callable[..., Path],
) -> None:
    modulators = [
        (FALLING_VELOCITY, CUTOFF, -9999, 0, 0),
        (FALLING_VELOCITY, CUTOFF, -1280, 0, 0),
        (LINK, CUTOFF, -9999, 0, 0),
        (FALLING_VELOCITY, 0x8000, -9999, 0, 0),
    ]
    (zone,) = SoundFont.load(sine_font({CUTOFF: 9000}, modulators=modulators)).preset(0)
    assert zone.sound(60, 64).cutoff_cents == 9000 - 630
    assert set(zone.level.modulators) == {*DEFAULTS, Wire(FALLING_VELOCITY, CUTOFF, 0, 0)}


def notes_one_a_second(*, is_drum: bool = False) -> Piece:
    keys = (36, 42, 51) if is_drum else (40, 57, 76)
    struck = [(key, velocity) for key in keys for velocity in (15, 50, 70, 75, 100, 110, 127)]
    notes = [(1000 * at, 400, key, velocity) for at, (key, velocity) in enumerate(struck)]
    # At this tempo a tick is a millisecond.
    return Piece((Track(notes, is_drum=is_drum),), resolution=500, tempos=(Tempo(0, 120.0),))


def levels_db(sound: np.ndarray, count: int) -> np.ndarray:
    """Level of the first 0.3 s of each second of a sound [2, samples]."""
    seconds = sound[:, : count * RATE].reshape(2, count, RATE)[:, :, : round(0.3 * RATE)]
    return np.asarray(10 * np.log10(np.square(seconds, dtype=float).mean(axis=(0, 2))))


def off_from_fluidsynth_db(path: Path, piece: Piece, folder: Path) -> np.ndarray:
    """How much louder notes are here than there, but for a factor that all share."""
    midi, wave = folder / "notes.mid", folder / "notes.wav"
    midi.write_bytes(write_bytes(piece))
    sound = ["-R", "0", "-C", "0", "-r", str(RATE), "-o", "synth.dynamic-sample-loading=1"]
    written = ["-O", "float", "-F", str(wave)]
    subprocess.run(
        ["fluidsynth", "-ni", *sound, *written, str(path), str(midi)],
        check=True,
        capture_output=True,
    )
    theirs = soundfile.read(wave, dtype="float32")[0].T
    (track,) = piece.tracks
    ours = np.zeros((2, len(track) * RATE), np.float32)
    Sampler(SoundFont.load(path), RATE).play(
        played_notes(piece, track, RATE), ours, program=track.program, is_drum=track.is_drum
    )
    off = levels_db(ours, len(track)) - levels_db(theirs, len(track))
    return np.asarray(off - np.median(off))


@needs_fluidsynth
@pytest.mark.parametrize(
    "modulators",
    [
        [(LOUDER_WITH_VELOCITY, ATTENUATION, 480, 0, 0)],
        [(0x002, ATTENUATION, 200, 0, 0), (KEY_EITHER_SIDE, ATTENUATION, 200, 0, 0)],
        [(FALLING_VELOCITY, CUTOFF, -6000, 0, 0)],
        [(0x802, ATTACK, 12000, 0, 0)],
        [(KEY_EITHER_SIDE, ATTENUATION, -300, 0x002, 0)],
        [(0x802, ATTENUATION, 200, 0, 0), (VOLUME, ATTENUATION, 300, 0, 0)],
    ],
)
def test_modulators_are_heard_as_fluidsynth_plays_them(
    sine_font: Callable[..., Path], tmp_path: Path, modulators: list[tuple[int, ...]]
) -> None:
    font = sine_font({CUTOFF: 11000, ATTENUATION: 500}, modulators=modulators)
    assert np.abs(off_from_fluidsynth_db(font, notes_one_a_second(), tmp_path)).max() < 0.5


@needs_fluidsynth
@pytest.mark.parametrize(
    ("where", "is_drum"), [("bundled", False), ("bundled", True), (LARGE_FONT, False)]
)
def test_fonts_are_as_loud_as_fluidsynth_plays_them(
    where: str, is_drum: bool, tmp_path: Path
) -> None:
    path = Path(SoundFont.load().where if where == "bundled" else where)
    if not path.exists():
        pytest.skip(f"needs {path}")
    piece = notes_one_a_second(is_drum=is_drum)
    assert np.abs(off_from_fluidsynth_db(path, piece, tmp_path)).max() < 0.5
