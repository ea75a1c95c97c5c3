"""Strokes of drums: which drum, when, and how hard."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.transcribe.drum_detection import DRUM_KINDS, find_drums, kind_of

RATE = 22_050


def falling(hz: float, decay: float) -> np.ndarray:
    time = np.arange(int(6 * decay * RATE)) / RATE
    return np.sin(2 * np.pi * np.cumsum(hz * (1 + 2 * np.exp(-time / 0.02))) / RATE) * np.exp(
        -time / decay
    )


def noise(decay: float, smoothed: bool) -> np.ndarray:
    time = np.arange(int(6 * decay * RATE)) / RATE
    sound = np.random.default_rng(0).standard_normal(len(time)) * np.exp(-time / decay)
    return sound if smoothed else np.diff(np.diff(sound, prepend=0), prepend=0) / 2


@pytest.fixture(scope="module")
def heard() -> np.ndarray:
    """Eight bars of a rock beat at 120: kick on 1 and 3, snare on 2 and 4, hats on eighths."""
    sound = np.zeros(17 * RATE)

    def add(at: float, stroke: np.ndarray, level: float) -> None:
        first = round(at * RATE)
        sound[first : first + len(stroke)] += level * stroke

    snare = noise(0.08, smoothed=True) * 0.5
    snare[: int(0.3 * RATE)] += 0.4 * falling(180, 0.05)[: len(snare)]
    for beat in range(32):
        at = 0.25 + beat * 0.5
        add(at, falling(50, 0.12) if beat % 2 == 0 else snare, 0.5)
        for eighth in (0, 0.25):
            add(at + eighth, noise(0.03, smoothed=False), 0.12)
    return find_drums([sound.astype(np.float32)])


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("kick", 0.25 + np.arange(16)),
        ("snare", 0.75 + np.arange(16)),
        ("hi-hat", 0.25 + 0.25 * np.arange(64)),
    ],
)
def test_a_rock_beat_is_heard(heard: np.ndarray, kind: str, times: np.ndarray) -> None:
    mine = heard[[DRUM_KINDS[kind_of(int(pitch))] == kind for pitch in heard["pitch"]]]
    away = np.abs(mine["onset_seconds"][:, None] - times)
    recall, precision = (away.min(axis=axis) < 0.04 for axis in (0, 1))
    assert recall.mean() > 0.7
    assert precision.mean() > 0.7


def test_silence_has_no_strokes() -> None:
    assert not len(find_drums([np.zeros(RATE * 3, np.float32)]))
    assert not len(find_drums([]))


def test_bells_are_no_drum_of_a_kit() -> None:
    assert [DRUM_KINDS[kind_of(key)] for key in (36, 40, 46, 50, 57)] == [*DRUM_KINDS]
    assert kind_of(80) == -1
