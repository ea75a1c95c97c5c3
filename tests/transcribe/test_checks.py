"""Health: what is wrong with a recording is said, and nothing is said of a good one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.transcribe.checks import examine

RATE = 44_100
SECONDS = 8


def plucked(seconds: float = SECONDS) -> np.ndarray:
    """Four notes a second, as of a guitar; float32 [samples]."""
    sound = np.zeros(int(seconds * RATE))
    time = np.arange(RATE) / RATE
    for index in range(int(seconds * 4)):
        hz = 110 * 2 ** ((0, 7, 12, 16, 19, 16, 12, 7)[index % 8] / 12)
        note = sum(
            np.sin(2 * np.pi * k * hz * time) * np.exp(-3 * k * time) / k for k in range(1, 8)
        )
        start = index * RATE // 4
        length = min(RATE, len(sound) - start)
        sound[start : start + length] += 0.2 * note[:length]  # type: ignore[index]
    return sound.astype(np.float32)


def white(seconds: float = SECONDS) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def found_in(folder: Path, sound: np.ndarray, name: str = "a.wav") -> dict[str, Finding]:
    sides = sound if sound.ndim == 2 else sound[:, None]
    path = write_audio(Waveform(sides.astype(np.float32), RATE), folder / name)
    _, findings = examine(Recording.open(path))
    for finding in findings:
        assert finding.sentence.endswith(".")
    return {finding.name: finding for finding in findings}


@pytest.mark.parametrize("ending", ["wav", "mp3"])
def test_nothing_is_said_of_a_good_take(tmp_path: Path, ending: str) -> None:
    assert not found_in(tmp_path, plucked(), f"a.{ending}")


def test_a_loud_low_tone_is_not_clipped(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 41.2 * np.arange(SECONDS * RATE) / RATE)
    assert not found_in(tmp_path, tone)


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_silence_and_nothing_else(tmp_path: Path, level: float) -> None:
    assert list(found_in(tmp_path, level * white())) == ["silence"]


def test_clipping_is_measured(tmp_path: Path) -> None:
    loud = np.clip(6 * plucked(), -0.9, 0.9)
    share = np.mean(np.abs(loud) == np.float32(0.9))
    found = found_in(tmp_path, loud)
    assert list(found) == ["clipping"]
    assert found["clipping"].value == pytest.approx(100 * share, rel=0.1)


def test_clipping_is_found_behind_a_coder_that_smears_it(tmp_path: Path) -> None:
    loud = np.clip(6 * plucked(), -1, 1)
    found = found_in(tmp_path, loud, "a.mp3")
    assert list(found) == ["clipping"]
    share = 100 * np.mean(np.abs(loud) == 1)
    assert share / 3 < found["clipping"].value < share


def test_an_offset_is_measured(tmp_path: Path) -> None:
    found = found_in(tmp_path, 0.5 * plucked() - 0.1)
    assert found["dc_offset"].value == pytest.approx(-0.1, abs=0.005)


def test_a_long_silence_before_and_a_soft_take(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(5 * RATE, np.float32), 0.01 * plucked()])
    found = found_in(tmp_path, late)
    assert found["lead_in"].value == pytest.approx(5, abs=0.1)
    assert found["quiet"].value < -45


def test_sides_that_cancel(tmp_path: Path) -> None:
    sound = plucked()
    assert "out_of_phase" in found_in(tmp_path, np.stack([sound, -0.9 * sound], axis=1))


def test_a_second_is_short(tmp_path: Path) -> None:
    found = found_in(tmp_path, plucked(1))
    assert list(found) == ["short"]
    assert found["short"].value == 1


@pytest.mark.parametrize("samples", [1, 300, 5000])
def test_almost_nothing_is_examined(tmp_path: Path, samples: int) -> None:
    assert "short" in found_in(tmp_path, white()[:samples])


@pytest.mark.parametrize("pole", [0.0, 0.9])
def test_noise_has_no_pitch(tmp_path: Path, pole: float) -> None:
    assert list(found_in(tmp_path, 0.3 * lfilter([1], [1, -pole], white()))) == ["noise"]


def test_drums_are_told_from_noise(tmp_path: Path) -> None:
    hits = np.exp(-(np.arange(SECONDS * RATE) % (RATE // 3)) / 2500)
    assert list(found_in(tmp_path, white() * hits)) == ["percussive"]


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng to speak")
def test_speech_may_be_told_from_music(tmp_path: Path) -> None:
    words = "A player records a take on a phone and wants a band under it, in time and in key."
    subprocess.run(["espeak-ng", "-w", tmp_path / "said.wav", words], check=True)
    _, findings = examine(Recording.open(tmp_path / "said.wav"))
    assert [finding.name for finding in findings] == ["speech"]


def test_short_beeps_are_not_called_speech(tmp_path: Path) -> None:
    seconds = np.arange(SECONDS * RATE) / RATE
    beeps = 0.4 * np.sin(2 * np.pi * 1000 * seconds) * (seconds % 0.5 < 0.06)
    assert "speech" not in found_in(tmp_path, beeps)


def test_damage_is_counted(tmp_path: Path) -> None:
    path = write_audio(Waveform(white(10)[:, None], RATE), tmp_path / "a.flac")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 300] = bytes(300)
    (tmp_path / "b.flac").write_bytes(content)
    measures, findings = examine(Recording.open(tmp_path / "b.flac"))
    assert findings[0].name == "lost"
    assert 0 < measures.lost_seconds < 2


@pytest.mark.data
def test_instruments_are_not_called_noise_or_speech_and_drums_are_drums(data_dir: Path) -> None:
    for path in sorted((data_dir / "stem_loops15").glob("loop0[1-6]/*.flac")):
        _, findings = examine(Recording.open(path))
        names = {finding.name for finding in findings} & {"noise", "percussive", "speech"}
        assert names == ({"percussive"} if path.stem == "drums" else set()), path
