"""Scores of transcription mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mir_eval")

from experiments.listening.transcription import by_thresholds, findings, scores
from ritornello.transcribe.note_activity import RATE_HZ
from ritornello.transcribe.values import HEARD_NOTE_DTYPE


def notes(*rows: tuple[float, float, int, int]) -> np.ndarray:
    return np.array([(*row, 0.9) for row in rows], HEARD_NOTE_DTYPE)


TRUTH = notes((0.0, 0.5, 60, 80), (0.5, 1.0, 64, 90), (1.0, 1.5, 67, 100), (1.5, 2.0, 72, 60))


def test_what_was_played_scores_one() -> None:
    row = scores(TRUTH, TRUTH)
    assert row["precision"] == row["recall"] == row["f1"] == row["f1_with_ends"] == 1
    assert row["late_ms"] == 0
    assert row["velocity_r"] == pytest.approx(1)
    assert row["one_voice"] == 1


def test_late_onsets_and_ends_are_told() -> None:
    late = TRUTH.copy()
    late["onset_seconds"] += 0.03
    late["end_seconds"] += 0.3
    row = scores(TRUTH, late)
    assert row["f1"] == 1
    assert row["f1_with_ends"] == 0
    assert row["late_ms"] == pytest.approx(30)


def test_nothing_found_scores_nothing() -> None:
    assert scores(TRUTH, TRUTH[:0])["f1"] == 0


def test_silence_is_silent_either_way() -> None:
    silence = np.zeros(3 * RATE_HZ, np.float32)
    assert len(by_thresholds(silence)) == 0
    assert findings(silence) == {"seconds": 3, "notes_a_second": 0, "silent": 1}
