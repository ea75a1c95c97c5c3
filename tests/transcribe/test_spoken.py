"""Who speaks is not taken for a player, and who plays or sings is never taken for a speaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ritornello import api
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError
from ritornello.transcribe.spoken import is_spoken, note_share
from ritornello.transcribe.transcription import listen
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Hints
from tests.examples import solo

RATE = 22_050


def babble(seconds: float = 12.0) -> np.ndarray:
    """Syllables of vowels that glide, four to five a second, with a breath now and then."""
    rng = np.random.default_rng(3)
    sound = np.zeros(round(seconds * RATE))
    at = 0.1
    while at < seconds - 0.3:
        length = rng.uniform(0.14, 0.22)
        time = np.arange(round(length * RATE)) / RATE
        hz = 120 * 2 ** (rng.uniform(-0.4, 0.4) + rng.uniform(-0.6, 0.6) * time / length)
        turns = np.cumsum(hz) / RATE
        formants = rng.uniform(300, 800), rng.uniform(900, 2300)
        voice = sum(
            np.sin(2 * np.pi * k * turns)
            * sum(1 / (1 + ((k * 120 - f) / 120) ** 2) for f in formants)
            for k in range(1, 25)
        )
        start = round(at * RATE)
        sound[start : start + len(time)] += voice * np.hanning(len(time))
        at += length + (rng.uniform(0.3, 0.6) if rng.random() < 0.12 else 0.04)
    result: np.ndarray = (0.3 * sound / np.abs(sound).max()).astype(np.float32)
    return result


def test_a_speaker_gets_no_band_unless_a_tempo_is_told(tmp_path: Path, tiny_model: Path) -> None:
    take = write_audio(Waveform(babble()[:, None], RATE), tmp_path / "said.wav")
    heard = listen(take)
    assert heard.is_spoken
    assert "speech" in {found.name for found in heard.findings}
    with pytest.raises(InputError, match="Somebody seems to speak"):
        api.remix(take, tmp_path / "remix", model=tiny_model)
    assert not (tmp_path / "remix").exists()
    made = api.remix(take, tmp_path / "remix", model=tiny_model, hints=Hints(90.0))
    assert made.report.exists()


@pytest.mark.parametrize("tempo_bpm", [70, 140])
def test_a_player_is_no_speaker(tmp_path: Path, tempo_bpm: float) -> None:
    take = tmp_path / "take.wav"
    api.render(solo(bars=6, tempo_bpm=tempo_bpm), take)
    assert not listen(take).is_spoken


def test_a_few_clear_notes_are_no_speech(tmp_path: Path) -> None:
    take = write_audio(Waveform(babble(6.0)[:, None], RATE), tmp_path / "said.wav")
    heard = listen(take)
    assert is_spoken(heard.measures, heard.notes)
    clear = heard.notes.copy()
    clear["confidence"] = 0.95
    assert not is_spoken(heard.measures, clear)
    assert is_spoken(heard.measures, heard.notes[:0])


def test_the_time_that_notes_cover_counts_once() -> None:
    notes = np.zeros(3, HEARD_NOTE_DTYPE)
    notes["onset_seconds"], notes["end_seconds"] = [1.0, 1.5, 9.0], [2.0, 3.0, 12.0]
    assert note_share(notes, (1.0, 11.0)) == pytest.approx(0.4)
    assert note_share(notes[:0], (1.0, 11.0)) == 0
