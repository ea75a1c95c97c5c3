"""Audio files: what is written is read back, and bad files are refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError, OutputError


def tone(seconds: float = 1.0, rate: int = 44_100, level: float = 0.5) -> Waveform:
    time = np.arange(int(seconds * rate)) / rate
    sides = [np.sin(2 * np.pi * hz * time) for hz in (440.0, 660.0)]
    return Waveform((level * np.stack(sides, axis=1)).astype(np.float32), rate)


@pytest.mark.parametrize(
    ("ending", "error"), [("wav", 2**-23), ("flac", 2**-23), ("ogg", 0.02), ("mp3", 0.02)]
)
def test_sound_is_read_back_with_its_rate_length_and_channels(
    tmp_path: Path, ending: str, error: float
) -> None:
    sound = tone()
    again = read_audio(write_audio(sound, tmp_path / f"a.{ending}"))
    assert again.rate_hz == sound.rate_hz
    assert again.samples.shape == sound.samples.shape
    # Coders may smear the hard beginning and end.
    inside = slice(2000, -2000)
    np.testing.assert_allclose(again.samples[inside], sound.samples[inside], atol=error)


def test_minutes_of_ogg_are_written(tmp_path: Path) -> None:
    """In one call this many frames crash libvorbis."""
    sound = tone(120, rate=8000)
    again = read_audio(write_audio(sound, tmp_path / "long.ogg"))
    assert len(again.samples) == len(sound.samples)


def test_wav_beyond_full_scale_is_not_cut_off(tmp_path: Path) -> None:
    again = read_audio(write_audio(tone(level=1.7), tmp_path / "loud.wav"))
    assert np.abs(again.samples).max() == pytest.approx(1.7, abs=1e-3)


def test_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError):
        write_audio(tone(), path)
    assert path.read_bytes() == b"mine"
    write_audio(tone(), path, overwrite=True)
    assert read_audio(path).rate_hz == 44_100


@pytest.mark.parametrize(
    ("name", "rate"), [("a.xyz", 44_100), ("a", 44_100), ("a.mp3", 96_000), ("a.ogg", 1_000_000)]
)
def test_what_a_format_cannot_hold_is_refused_and_leaves_nothing(
    tmp_path: Path, name: str, rate: int
) -> None:
    with pytest.raises(OutputError):
        write_audio(tone(0.01, rate=rate), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0WAVE", bytes(range(256)) * 20])
@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "ogg", "raw"])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"bad.{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\."):
        read_audio(path)


def test_missing_sound_and_sound_that_is_no_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_audio(tmp_path / "none.wav")
    import soundfile

    soundfile.write(tmp_path / "nan.wav", np.full((10, 1), np.nan), 8000, "FLOAT")
    with pytest.raises(InputError, match="not numbers"):
        read_audio(tmp_path / "nan.wav")
