"""Beats and bars are found in activations whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.transcribe import tracking
from ritornello.transcribe.note_beats import NoteBeats

FRAME_SECONDS = 0.02


def logits(beats: np.ndarray, seconds: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """What a network that hears nearly everything answers."""
    frames = np.arange(round(seconds / FRAME_SECONDS)) * FRAME_SECONDS
    away = np.abs(frames[:, None] - beats).min(axis=1)
    likely = 0.02 + 0.9 * np.exp(-0.5 * (away / tracking.BELL_SECONDS) ** 2)
    random = np.random.default_rng(seed).normal(0, noise, len(frames))
    result: np.ndarray = np.log(likely / (1 - likely)) + random
    return result


def heard(
    beats: np.ndarray, seconds: float, tempo_bpm: float | None = None, **how: Any
) -> np.ndarray:
    found = tracking.evidence(logits(beats, seconds, **how), FRAME_SECONDS)
    return tracking.track(found, FRAME_SECONDS, tempo_bpm)


def rubato(bpm: float, depth: float, period: float, count: int) -> np.ndarray:
    lengths = 60 / bpm * np.exp(depth * np.sin(2 * np.pi * np.arange(count) / period))
    return 0.4 + np.cumsum(lengths)


@settings(max_examples=25)
@given(st.floats(60, 180), st.floats(0, 0.12), st.floats(8, 40), st.integers(0, 5))
def test_every_beat_of_a_player_who_breathes_is_found(
    bpm: float, depth: float, period: float, seed: int
) -> None:
    beats = rubato(bpm, depth, period, 40)
    found = heard(beats, beats[-1] + 0.3, noise=0.5, seed=seed)
    away = np.abs(found - beats[:, None]).min(axis=1)
    assert (away < 0.03).mean() > 0.9
    assert (np.diff(found) > 0).all()


def test_beats_go_on_where_none_are_heard() -> None:
    beats = 0.5 * np.arange(1, 60)
    silent = (beats < 10) | (beats > 18)
    found = heard(beats[silent], 30)
    assert np.abs(np.diff(found) - 0.5).max() < 0.08
    assert np.abs(found - beats[silent][:, None]).min(axis=1).max() < 0.03


def test_the_tempo_may_be_told() -> None:
    beats = 0.5 * np.arange(1, 40)
    for bpm in (60, 120):
        assert 60 / np.median(np.diff(heard(beats, 20, tempo_bpm=bpm))) == pytest.approx(bpm, 0.03)


@pytest.mark.parametrize("frames", [1, 2, 5, 40])
def test_few_frames_are_enough(frames: int) -> None:
    found = tracking.track(np.zeros(frames), FRAME_SECONDS)
    assert len(found) >= 1
    assert (found >= 0).all()
    assert (found < frames * FRAME_SECONDS).all()


def test_beats_move_to_the_notes_that_agree() -> None:
    true = rubato(100, 0.05, 16, 60)
    rng = np.random.default_rng(0)
    beats = true + 0.025 + rng.normal(0, 0.005, 60)  # late, as networks are
    onsets = np.sort(true + rng.normal(0, 0.004, 60))
    moved = tracking.snap(beats, onsets)
    assert np.median(np.abs(moved - true)) < 0.005 < np.median(np.abs(beats - true))


def test_a_note_that_bends_the_tempo_pulls_little() -> None:
    beats = 0.5 * np.arange(1, 40)
    onsets = beats.copy()
    onsets[20] += 0.055
    moved = tracking.snap(beats, onsets)
    assert np.abs(moved - beats).max() < 0.012


@given(st.lists(st.floats(0, 20), max_size=40))
def test_moved_beats_stay_in_order(onsets: list[float]) -> None:
    moved = tracking.snap(0.4 * np.arange(1, 50), np.sort(np.array(onsets)))
    assert (np.diff(moved) > 0).all()


@pytest.mark.parametrize("metre", [2, 3, 4])
def test_bars_begin_where_they_are_heard(metre: int) -> None:
    begins = np.full(40, 0.1)
    begins[1::metre] = 0.7
    bars = tracking.find_bars(np.stack([begins, np.ones(40)]), (4, 3, 2))
    assert (bars.beats_per_bar, bars.first) == (metre, 1)
    assert bars.margin > 1


def test_a_known_downbeat_is_believed() -> None:
    begins = np.full(40, 0.1)
    begins[::4] = 0.9
    bars = tracking.find_bars(np.stack([begins, np.ones(40)]), (4,), downbeat=6)
    assert bars[:2] == (4, 2)


def test_silence_says_nothing_and_certainty_says_all_it_has() -> None:
    silent = tracking.evidence(np.full(400, -12.0), FRAME_SECONDS)
    assert np.abs(silent).max() < 1e-3
    sure = tracking.evidence(np.full(400, 12.0), FRAME_SECONDS)[200]
    distances = np.arange(-3, 4) * FRAME_SECONDS  # up to three standard deviations of the bell
    odds = 4 * np.exp(-0.5 * (distances / tracking.BELL_SECONDS) ** 2).sum()  # cut at four nats
    assert sure == pytest.approx(np.log(0.8 * np.exp(odds) + 0.2))


def test_notes_at_the_ends_tell_of_the_frames_that_there_are() -> None:
    times = np.array([0.0, 50 * FRAME_SECONDS])
    told = NoteBeats(times, np.full((2, 2), 3.0, np.float32), np.zeros((2, 1), np.float32))
    found = tracking.note_evidence(told, 50, FRAME_SECONDS)
    assert len(found) == 50
    assert found[0] == pytest.approx(4.0)
    assert found[49] == pytest.approx(
        4.0 * np.exp(-0.5 * (FRAME_SECONDS / tracking.BELL_SECONDS) ** 2)
    )
    assert not found[10:40].any()


@pytest.mark.parametrize("top", [4.7, 5.0, 5.3])
def test_a_beat_lies_where_a_parabola_has_its_top(top: float) -> None:
    found = -((np.arange(11) - top) ** 2)
    assert tracking._between_frames(np.array([5]), found) == pytest.approx([top])
