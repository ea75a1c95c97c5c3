"""Transcriptions join what was heard, in the player's time, and say how sure each is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ritornello.errors import InputError
from ritornello.music.keys import parse_key
from ritornello.transcribe import transcription as module
from ritornello.transcribe.transcription import listen
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats, Hints

RATE = 22_050
BEAT = 0.6
# A bar each of A minor, D minor, E and A minor, one note a beat after another.
CHORDS = ((57, 60, 64, 69), (50, 57, 62, 65), (52, 56, 59, 64), (57, 64, 69, 60))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Ears that hear what they are told to, so that only the joining is tested."""
    onsets = 0.3 + BEAT * np.arange(32)
    notes = np.zeros(32, HEARD_NOTE_DTYPE)
    notes["onset_seconds"], notes["end_seconds"] = onsets, onsets + BEAT
    notes["pitch"] = [CHORDS[index // 4 % 4][index % 4] for index in range(32)]
    notes["velocity"], notes["confidence"] = 90, 0.9
    told: dict[str, Any] = {
        "notes": notes,
        "beats": Beats(onsets, (4, 4), 0, 4, confidence=0.9, downbeat_confidence=0.8),
    }

    def find_notes(blocks: Iterable[np.ndarray]) -> np.ndarray:
        told["samples"] = sum(len(block) for block in blocks)
        found: np.ndarray = told["notes"]
        return found

    def find_beats(
        blocks: Iterable[np.ndarray],
        duration: float,
        hints: Hints,
        notes: np.ndarray,
        sounding: tuple[float, float],
    ) -> Beats:
        told["hints"] = hints
        assert sum(len(block) for block in blocks) == told["samples"]
        np.testing.assert_array_equal(notes, told["notes"])
        found: Beats = told["beats"]
        return found

    monkeypatch.setattr(module, "find_notes", find_notes)
    monkeypatch.setattr(module, "find_beats", find_beats)
    monkeypatch.setattr(module, "with_bars", lambda beats, notes, hints: beats)
    return told


def tone(folder: Path, seconds: float = 20.0, rate_hz: int = RATE, channels: int = 1) -> Path:
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    sound = 0.3 * np.sin(2 * np.pi * 220 * time) * np.exp(-3 * (time % BEAT))
    soundfile.write(folder / "take.wav", np.repeat(sound[:, None], channels, axis=1), rate_hz)
    return folder / "take.wav"


def test_a_plucked_take_is_heard_with_real_ears(tmp_path: Path) -> None:
    """Eighths over the chords, strongest on the first of each bar."""
    rate_hz, eighth, rng = 44_100, 0.3, np.random.default_rng(0)
    onsets = 0.5 + eighth * np.arange(96)
    pitches = [CHORDS[index // 8 % 4][index % 4] for index in range(96)]
    sound = 0.001 * rng.standard_normal(round(30 * rate_hz))
    time = np.arange(rate_hz // 2) / rate_hz
    for index, (onset, pitch) in enumerate(zip(onsets, pitches, strict=True)):
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tones = [np.sin(2 * np.pi * k * hz * time) * np.exp(-4 * k * time) / k for k in range(1, 9)]
        start = round(onset * rate_hz)
        sound[start : start + len(time)] += (0.1 + 0.1 * (index % 8 == 0)) * sum(tones)
    soundfile.write(tmp_path / "take.ogg", sound, rate_hz)
    take = listen(tmp_path / "take.ogg")
    heard = {(round((note["onset_seconds"] - 0.5) / eighth), note["pitch"]) for note in take.notes}
    true = set(enumerate(pitches))
    assert len(heard & true) > 0.9 * len(true)
    assert len(heard & true) > 0.9 * len(heard)
    assert str(take.key) == "A minor"
    period = 60 / take.beats.tempo_bpm
    assert min(abs(period - beat) for beat in (eighth, 2 * eighth, 4 * eighth)) < 0.01
    off = (take.beats.times_seconds - 0.5) / eighth
    assert np.median(np.abs(off - np.round(off))) * eighth < 0.02
    seconds = take.piece.ticks_to_seconds(take.piece.tracks[0].notes["onset"])
    np.testing.assert_allclose(seconds, take.notes["onset_seconds"], atol=1e-3)


def test_what_was_heard_is_written_in_the_players_time(
    tmp_path: Path, heard: dict[str, object]
) -> None:
    hints = Hints(tempo_bpm=100)
    take = listen(tone(tmp_path, rate_hz=44_100), hints)
    assert heard["hints"] is hints
    assert heard["samples"] == 20 * RATE
    table = take.piece.tracks[0].notes
    seconds = take.piece.ticks_to_seconds(table["onset"])
    np.testing.assert_allclose(seconds, take.notes["onset_seconds"], atol=1e-3)
    assert str(take.key) == "A minor"
    assert str(take.piece.keys[0].key) == "A minor"
    assert 0.5 < take.key_confidence <= 1
    assert [str(chord) for _, chord in take.chords][:5] == ["Am", "Dm", "E", "Am", "Dm"]
    starts = [start for start, _ in take.chords]
    np.testing.assert_allclose(starts[1:5], 0.3 + 4 * BEAT * np.array([1, 2, 3, 5]), atol=1e-3)
    assert take.findings == ()
    assert take.piece.title == "take"


def test_what_the_player_says_is_believed(tmp_path: Path, heard: dict[str, object]) -> None:
    take = listen(tone(tmp_path), key=parse_key("C"), program=25)
    assert str(take.key) == "C major"
    assert take.key_confidence == 1
    assert take.piece.tracks[0].program == 25


def test_it_is_described_to_people_and_programs(tmp_path: Path, heard: dict[str, object]) -> None:
    take = listen(tone(tmp_path))
    said = " ".join(take.describe())
    for words in (
        "0:20.0 of WAV, mono",
        "100 beats a minute, quite sure",
        "0.90",
        "4/4",
        "A minor",
        "32 notes",
    ):
        assert words in said
    assert "from D3 to A4, written for piano" in said
    facts = json.loads(json.dumps(take.as_facts()))
    assert facts["key"] == "A minor"
    assert facts["metre"] == [4, 4]
    assert facts["notes"] == 32
    assert facts["chords"][0][1] == "Am"


def test_another_tempo_is_named_with_its_number(tmp_path: Path, heard: dict[str, object]) -> None:
    times = 0.3 + BEAT * np.arange(32)
    heard["beats"] = Beats(times, (4, 4), 0, 4, 0.9, 0.8, other_tempo_bpm=50.0)
    take = listen(tone(tmp_path))
    assert [finding.name for finding in take.findings] == ["other_tempo"]
    assert "50 a minute" in take.findings[0].sentence
    assert take.as_facts()["other_tempo_bpm"] == 50


def test_doubts_are_findings(tmp_path: Path, heard: dict[str, object]) -> None:
    times = np.arange(40) * 0.5
    heard["notes"] = np.zeros(0, HEARD_NOTE_DTYPE)
    heard["beats"] = Beats(times, (4, 4), 0, 4, confidence=0.0, downbeat_confidence=0.0)
    take = listen(tone(tmp_path))
    assert [finding.name for finding in take.findings] == ["few_notes", "no_beat"]
    assert take.key is None
    assert take.chords == () or {chord for _, chord in take.chords} == {None}
    assert "No key. No notes." in " ".join(take.describe())
    heard["beats"] = Beats(times, (4, 4), 0, 4, confidence=0.3, downbeat_confidence=0.2)
    names = [finding.name for finding in listen(tone(tmp_path)).findings]
    assert names == ["few_notes", "unsure_beat", "unsure_bars"]


def test_silence_and_what_is_no_sound_are_refused(tmp_path: Path, heard: dict[str, object]) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE * 5), RATE)
    with pytest.raises(InputError, match="silent"):
        listen(tmp_path / "silence.wav")
    (tmp_path / "words.mp3").write_text("no sound at all " * 999)
    with pytest.raises(InputError, match=r"words\.mp3"):
        listen(tmp_path / "words.mp3")
    with pytest.raises(InputError, match="no such file"):
        listen(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "channels", "finding"),
    [(1.0, RATE, 1, "short"), (20.0, 8000, 1, None), (20.0, 48_000, 6, "many_channels")],
)
def test_odd_recordings_are_heard(
    tmp_path: Path,
    heard: dict[str, object],
    seconds: float,
    rate_hz: int,
    channels: int,
    finding: str | None,
) -> None:
    take = listen(tone(tmp_path, seconds, rate_hz, channels))
    assert heard["samples"] == round(seconds * RATE)
    assert [found.name for found in take.findings] == ([finding] if finding else [])
