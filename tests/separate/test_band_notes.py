"""A mix to the notes of a band: each stem is heard for itself, on the beats of the mix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ritornello.music import io
from ritornello.separate import band_notes
from ritornello.separate.band_notes import once_each, transcribe_band
from ritornello.separate.separation import Separation
from ritornello.separate.stem_folders import PARTS
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

RATE = 22_050
BEATS = 0.3 + 0.5 * np.arange(24)


def plucked(pitches: list[int]) -> np.ndarray:
    sound = np.zeros(13 * RATE)
    time = np.arange(RATE // 2) / RATE
    for at, pitch in zip(BEATS, pitches, strict=True):
        hz = 440 * 2 ** ((pitch - 69) / 12)
        first = round(at * RATE)
        sound[first : first + len(time)] += 0.2 * sum(
            np.sin(2 * np.pi * k * hz * time) * np.exp(-4 * k * time) / k for k in range(1, 6)
        )
    return sound


def test_each_player_has_a_track(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clicks = np.zeros(13 * RATE)
    for at in BEATS:
        first = round(at * RATE)
        clicks[first : first + 900] += np.random.default_rng(0).normal(0, 0.2, 900)
    stems = {
        "bass": plucked([40, 43, 45, 47] * 6),
        "drums": clicks,
        "piano": plucked([72, 76, 79, 76] * 6),
        "other": np.zeros(13 * RATE),
    }
    soundfile.write(tmp_path / "mix.wav", sum(stems.values()), RATE)

    def separate(recording: Path, folder: str, **options: Any) -> Separation:
        paths = {name: Path(folder, f"{name}.wav") for name in PARTS}
        for name, path in paths.items():
            soundfile.write(path, stems[name], RATE)
        return Separation(paths, 13.0, ())

    monkeypatch.setattr(band_notes, "separate", separate)
    found = transcribe_band(tmp_path / "mix.wav", tmp_path / "band.mid")
    tracks = {track.name: track for track in found.piece.tracks}
    assert list(tracks) == ["bass", "drums", "piano"]
    assert tracks["drums"].is_drum
    assert [finding.name for finding in found.findings][-1] == "no_other"
    for name, pitches in (("bass", {40, 43, 45, 47}), ("piano", {72, 76, 79})):
        notes = tracks[name].notes
        assert np.isin(notes["pitch"], [*pitches]).mean() > 0.9
        seconds = found.piece.ticks_to_seconds(notes["onset"])
        assert np.median(np.abs(seconds[:, None] - BEATS).min(axis=1)) < 0.03
    assert len(io.read(tmp_path / "band.mid").tracks) == 3


def test_a_note_in_several_stems_is_of_the_loudest() -> None:
    def stem(onsets: list[float], pitches: list[int], velocity: int = 100) -> np.ndarray:
        notes = np.ones(len(onsets), HEARD_NOTE_DTYPE)
        notes["onset_seconds"], notes["pitch"], notes["velocity"] = onsets, pitches, velocity
        return notes

    low, high = stem([0.0, 1.0, 2.0], [40, 60, 62]), stem([0.02, 0.98, 2.0], [52, 60, 64])
    bass, piano = once_each([(low, -20.0), (high, -10.0)])
    assert [*bass["pitch"]] == [40, 62]
    assert [*piano["pitch"]] == [52, 60, 64]
    soft = stem([0.02, 0.98, 2.0], [52, 60, 64], velocity=40)
    bass, piano = once_each([(low, -20.0), (soft, -10.0)])
    assert [*bass["pitch"]] == [40, 60, 62]
    assert [*piano["pitch"]] == [52, 64]
    assert [len(notes) for notes in once_each([(low, -9.0), (low, -9.0)])] == [3, 0]


def test_noise_is_no_drummer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 6 * RATE)
    soundfile.write(tmp_path / "noise.wav", noise, RATE)

    def separate(recording: Path, folder: str, **options: Any) -> Separation:
        paths = {name: Path(folder, f"{name}.wav") for name in PARTS}
        for path in paths.values():
            soundfile.write(path, noise / 4, RATE)
        return Separation(paths, 6.0, ())

    monkeypatch.setattr(band_notes, "separate", separate)
    found = transcribe_band(tmp_path / "noise.wav")
    assert found.beats.confidence == 0
    assert not found.piece.tracks
    assert {f"no_{name}" for name in PARTS} <= {finding.name for finding in found.findings}
